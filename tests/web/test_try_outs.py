"""Versions tried on a photo, the untouched network, and versions compared on the same photos."""

from __future__ import annotations

import io
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.errors import PermanentError
from shared.jobs import store
from shared.jobs.states import JobKind, JobState, Split
from shared.models import registry
from shared.models.feature_space import FeatureSpace
from shared.tables import Example, Job, ModelVersion, User
from tests.factories import CLASSES, add_champion, add_key, add_user, add_version, picture, random_head
from tests.web.conftest import Api, sign_in
from tests.web.pages.forms import files, post_form


@pytest.fixture
def reviewer(database: Database) -> User:
    return add_user(database, "Rita", "reviewer")


@pytest.fixture
def untouched(database: Database, blobs: BlobStore) -> ModelVersion:
    """A diagnostic version."""
    labels = [f"thing {number}" for number in range(20)]
    head = random_head(len(labels))
    registry.store_head(blobs, head)
    made = {"files": {"weights.h5": "a" * 64, "labels.json": "b" * 64}}
    new = registry.NewVersion(labels, FeatureSpace("0" * 64, 299), head.digest, {}, made, diagnostic=True)
    with database.write() as session:
        return registry.add(session, new)


@pytest.fixture
def tested(database: Database) -> int:
    """A dataset version with test photos."""
    with database.write() as session:
        for number, (split, label) in enumerate((s, c) for s in Split for c in CLASSES):
            session.add(Example(digest=f"{number:064}", label=label, split=split, source="test"))
        return datasets.freeze(session).number


def the_job(database: Database, kind: JobKind) -> Job:
    with database.read() as session:
        (job,) = store.page(session, kind=kind).items
    return job


def end(database: Database, kind: JobKind, result: dict[str, Any] | str) -> None:
    """Take the part of a worker: succeed with a result, or fail with a sentence."""
    with database.write() as session:
        (job,) = store.claim(session, kind, "w", 1)
    with database.write() as session:
        if isinstance(result, str):
            store.fail(session, job.id, job.attempt, PermanentError(result))
        else:
            store.succeed(session, job.id, job.attempt, result)


def told(version: int, category: str) -> dict[str, Any]:
    top = [{"category": category, "probability": 0.8}, {"category": "hat", "probability": 0.2}]
    return {
        "model_version": version,
        "category": category,
        "confidence": 0.8,
        "decision": "suggest",
        "top": top,
    }


def test_a_reviewer_sees_both_answers_side_by_side_and_sellers_see_none(
    app: APIFlask, database: Database, blobs: BlobStore, reviewer: User, untouched: ModelVersion
) -> None:
    add_champion(database, blobs)
    browser = sign_in(app.test_client(), database, reviewer)
    form = f"/versions/{untouched.number}/try"
    sent = post_form(browser, form, files((picture(1), "coat.jpg")), page=form)
    job = the_job(database, JobKind.TRY)
    assert sent.location == f"/versions/{untouched.number}/tries/{job.id}"
    assert job.payload == {"versions": [1, 2]}
    assert "as soon as one is free" in browser.get(sent.location).text
    answers = [told(1, "thing 7"), told(2, "shirt")]
    end(database, JobKind.TRY, {"photo_id": job.photo_id, "answers": answers})
    page = browser.get(sent.location).text
    assert page.index("Thing 7") < page.index("Shirt")
    assert "Version 2, the champion" in page
    assert f"/api/v1/photos/{job.photo_id}" in page
    somebody = sign_in(app.test_client(), database, add_user(database, "Rob", "reviewer"))
    assert somebody.get(sent.location).status_code == 404


def test_a_try_without_a_photo_says_so(
    app: APIFlask, database: Database, blobs: BlobStore, reviewer: User
) -> None:
    add_champion(database, blobs)
    browser = sign_in(app.test_client(), database, reviewer)
    for nothing in ({}, files((b"no picture", "a.jpg"))):
        answer = post_form(browser, "/versions/1/try", nothing, page="/versions/1/try")
        assert answer.status_code in (400, 415, 422)
        assert 'role="status"' in answer.text


def test_a_try_through_the_api_is_done_once_per_key(
    app: APIFlask, database: Database, blobs: BlobStore, reviewer: User
) -> None:
    add_champion(database, blobs)
    api = Api(app.test_client(), add_key(database, reviewer, "classify"))
    for _ in range(2):
        photo = {"photo": (io.BytesIO(picture(1)), "a.jpg")}
        sent = api("POST", "/api/v1/models/1/tries", data=photo, headers={"Idempotency-Key": "k"})
        assert sent.status_code == 202
    assert the_job(database, JobKind.TRY).payload == {"versions": [1]}
    photo = {"photo": (io.BytesIO(picture(1)), "a.jpg")}
    assert api("POST", "/api/v1/models/9/tries", data=photo).status_code == 404


def test_the_page_of_the_untouched_network_leads_from_bringing_it_in_to_trying_it(
    admin_signed_in: FlaskClient, database: Database, untouched: ModelVersion
) -> None:
    page = admin_signed_in.get("/versions/imagenet").text
    assert f"/versions/{untouched.number}/try" in page
    assert "a" * 64 in page
    card = admin_signed_in.get(f"/versions/{untouched.number}").text
    assert "for looking at only" in card
    assert "Make version" not in card
    path = f"/versions/{untouched.number}/champion"
    assert admin_signed_in.get(path, headers={"Accept": "text/html"}).status_code == 409


def test_where_it_cannot_be_fetched_the_page_says_how_to_supply_it(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    form = "/versions/imagenet"
    assert "HANGTAG_IMAGENET_DIR" in admin_signed_in.get(form).text
    post_form(admin_signed_in, form, page=form)
    assert "data-unfinished" in admin_signed_in.get(form).text
    end(database, JobKind.IMAGENET, "Keras' download failed: no connection.")
    page = admin_signed_in.get(form).text
    assert "Keras&#39; download failed: no connection." in page
    assert "Try again" in page


def test_a_diagnostic_version_cannot_be_promoted_not_even_overridden(
    as_admin: Api, untouched: ModelVersion
) -> None:
    body = {"version": untouched.number, "reason": "For fun.", "override": True}
    answer = as_admin("PUT", "/api/v1/aliases/champion", json=body)
    assert (answer.status_code, answer.json["code"]) == (409, "diagnostic_version")
    listed = as_admin("GET", f"/api/v1/models/{untouched.number}").json
    assert (listed["diagnostic"], listed["aliases"]) == (True, [])


@pytest.mark.usefixtures("tested")
def test_versions_without_common_answers_are_compared_by_a_job(
    admin_signed_in: FlaskClient, as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    add_version(database, blobs, seed=1, image_size=150)
    missing = as_admin("GET", "/api/v1/models/compare?a=1&b=2")
    assert missing.status_code == 404
    page = "/versions/compare?a=1&b=2"
    assert "Let both answer the test photos of dataset version 1" in admin_signed_in.get(page).text
    post_form(admin_signed_in, "/versions/compare", {"a": "1", "b": "2"}, page=page)
    job = the_job(database, JobKind.RESCORE)
    assert job.payload == {"versions": [1, 2], "dataset_version": 1}
    assert "data-unfinished" in admin_signed_in.get(page).text
    queued = as_admin("POST", "/api/v1/models/compare", json={"a": 1, "b": 2})
    assert queued.json["job"]["id"] == job.id  # the one on its way
    end(database, JobKind.RESCORE, "A photo cannot be read any more.")
    assert "A photo cannot be read any more." in admin_signed_in.get(page).text
    assert the_job(database, JobKind.RESCORE).state is JobState.FAILED


def test_what_cannot_be_compared_is_refused(
    as_admin: Api, database: Database, blobs: BlobStore, untouched: ModelVersion
) -> None:
    add_champion(database, blobs)
    add_version(database, blobs, seed=1)
    for body, code in (({"a": 2, "b": 2}, "conflict"), ({"a": 1, "b": 2}, "diagnostic_version")):
        answer = as_admin("POST", "/api/v1/models/compare", json=body)
        assert (answer.status_code, answer.json["code"]) == (409, code)
    answer = as_admin("POST", "/api/v1/models/compare", json={"a": 2, "b": 3})
    assert "There are no test photos" in answer.json["detail"]
