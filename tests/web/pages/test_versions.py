"""The versions pages: figures, confusion matrix, and the move of the champion."""

from __future__ import annotations

from itertools import product

from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import reports
from shared.datasets import store as datasets
from shared.datasets.findings import Finding
from shared.jobs.states import Split
from shared.models import aliases, registry
from shared.tables import Example
from tests.factories import EVALUATION, add_answer, add_champion, add_photo, add_user, add_version
from tests.web.pages.forms import post_form


def test_versions_are_listed_with_accuracy_interval_and_champion(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    page = admin_signed_in.get("/versions").text
    assert "Version 1" in page
    assert "83.3 %" in page
    assert "75.7–88.9 %" in page
    assert "Champion" in page
    assert "The best we have." in page


def test_a_list_without_versions_says_how_to_get_one(admin_signed_in: FlaskClient) -> None:
    assert "hangtag train" in admin_signed_in.get("/versions").text


def test_a_version_shows_its_confusions_with_row_totals(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    number = add_version(database, blobs).number
    page = admin_signed_in.get(f"/versions/{number}").text
    assert 'title="20 of 40 Shirt photos were suggested as Hat"' in page
    assert '<th scope="row">Shirt</th>' in page
    assert "Dataset digest" in page


def test_a_version_without_figures_still_has_a_page(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    number = add_version(database, blobs).number
    with database.write() as session:
        registry.find(session, number).metrics = {}
    assert "no test figures" in admin_signed_in.get(f"/versions/{number}").text
    assert admin_signed_in.get("/versions").status_code == 200


def test_a_version_that_was_tested_on_twins_of_what_it_learned_from_says_so(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    finding = Finding(name="leaked", level="blocks", detail="9 of 90 test photos are twins.")
    with database.write() as session:
        for place, (label, split) in enumerate(product(("hat", "shirt"), Split)):
            session.add(Example(digest=f"{place:064}", label=label, split=split, source="test"))
        dataset = datasets.freeze(session)
        reports.record(session, dataset.number, [finding], "a-space")
        lineage = {"dataset_digest": dataset.digest}
    number = add_version(database, blobs, lineage=lineage).number
    said = "Dataset version 1: 9 of 90 test photos are twins."
    assert said in admin_signed_in.get(f"/versions/{number}").text
    confirmation = admin_signed_in.get(f"/versions/{number}/champion").text
    assert 'Tested on photos it has not seen<span class="unseen">: failed' in confirmation
    assert said in confirmation


def test_what_a_shadow_says_about_sellers_photos_is_shown_beside_the_champion(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    champion, number = add_champion(database, blobs), add_version(database, blobs, seed=1).number
    assert 'value="shadow-2"' in admin_signed_in.get("/versions/2").text
    post_form(admin_signed_in, "/versions/2/aliases", {"name": "shadow"}, page="/versions/2")
    assert "/versions/compare?a=1&amp;b=2" in admin_signed_in.get("/versions/2").text
    assert '<span class="badge alias">shadow</span>' in admin_signed_in.get("/versions").text
    assert "sellers’ photos" not in admin_signed_in.get("/versions/compare?a=1&b=2").text
    photo = add_photo(database, blobs, add_user(database))
    with database.read() as session:
        shadow = registry.find(session, number)
    add_answer(database, photo, champion, hat=0.9)
    add_answer(database, photo, shadow, shirt=0.9)
    page = admin_signed_in.get("/versions/compare?a=1&b=2").text
    assert "On sellers’ photos" in page
    assert "0 of 1 photos" in page
    assert "Nobody has labelled any of them yet" in page


def test_a_shadow_that_the_new_champion_leaves_behind_says_that_it_does_not_answer(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    number = add_version(database, blobs, seed=1).number
    with database.write() as session:
        aliases.point(session, "shadow", number, "Ada", "To watch it.")
    add_champion(database, blobs, image_size=150)
    page = admin_signed_in.get(f"/versions/{number}").text
    assert "It does not answer in shadow now" in page


def test_the_confirmation_names_what_will_happen(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    number = add_version(database, blobs, seed=1).number
    page = admin_signed_in.get(f"/versions/{number}/champion").text
    assert "Version 2 answers sellers from now on, instead of version 1." in page
    assert "Keep version 1" in page


def test_a_champion_is_made_with_a_reason(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    number = add_version(database, blobs).number
    path = f"/versions/{number}/champion"
    answer = post_form(admin_signed_in, path, {"reason": "Better on shoes."}, page=path)
    with database.read() as session:
        (change,) = registry.history(session)
    assert answer.location == f"/versions/{number}"
    assert (change.after, change.actor, change.reason) == (number, "Ada", "Better on shoes.")


def test_a_missing_reason_is_asked_for_beside_the_field(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    number = add_version(database, blobs).number
    path = f"/versions/{number}/champion"
    answer = post_form(admin_signed_in, path, {"reason": "  "}, page=path)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    with database.read() as session:
        assert registry.champion(session) is None


def test_what_the_gate_found_is_said_once_where_it_refuses(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    number = add_version(database, blobs, seed=1, metrics={"test": {**EVALUATION, "count": 20}}).number
    path = f"/versions/{number}/champion"
    answer = post_form(admin_signed_in, path, {"reason": "It looks nicer."}, page=path)
    assert answer.status_code == 409
    assert "It looks nicer." in answer.text
    assert "If you know better, override it." in answer.text
    assert answer.text.count("20 test photos, 100 are wanted") == 1


def test_a_seller_sees_no_versions(signed_in: FlaskClient) -> None:
    answer = signed_in.get("/versions", headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "This is not open to you" in answer.text
    assert "Your role does not allow it." in answer.text
    assert 'href="/versions"' not in signed_in.get("/sell").text
