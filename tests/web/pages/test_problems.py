"""Errors as pages for browsers, as documents for programs."""

from __future__ import annotations

from apiflask import APIFlask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from shared.datasets.findings import Finding
from web.pages.problems import render_problem

HTML = {"Accept": "text/html,application/xhtml+xml"}


def test_a_browser_gets_a_page_and_a_program_a_document(signed_in: FlaskClient) -> None:
    page, document = signed_in.get("/nothing", headers=HTML), signed_in.get("/nothing")
    assert "There is nothing here" in page.text
    assert document.content_type == "application/problem+json"
    assert page.status_code == document.status_code == 404


def test_a_value_of_ours_that_cannot_be_used_is_a_defect_of_ours(app: APIFlask) -> None:
    app.add_url_rule("/broken", view_func=lambda: Finding.model_validate({}).detail)
    with capture_logs() as logged:
        answer = app.test_client().get("/broken")
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert [line["code"] for line in logged if line["event"] == "request_failed"] == ["internal_error"]


def test_every_problem_has_a_heading_a_sentence_and_a_way_on(app: APIFlask) -> None:
    for status in (400, 401, 403, 404, 405, 409, 413, 415, 418, 422, 429, 500, 503, 507):
        document = {"status": status, "code": "some_code", "detail": "This happened.", "request_id": "abc"}
        with app.test_request_context("/"):
            answer = render_problem(document)
        page = answer.get_data(as_text=True)
        assert answer.status_code == status
        assert all(part in page for part in ("<h1>", "This happened.", "Sign in", "abc")), status


def test_a_page_that_is_too_large_is_answered_in_our_words(app: APIFlask) -> None:
    document = {"status": 413, "code": "payload_too_large", "detail": "The data value transmitted ..."}
    with app.test_request_context("/"):
        page = render_problem(document).get_data(as_text=True)
    assert "fewer or smaller photos" in page
    assert "data value" not in page
