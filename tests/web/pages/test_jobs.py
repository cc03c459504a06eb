"""The jobs pages: who sees what, filters in the address, cancelling and trying again."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.database import Database
from shared.errors import BlobMissingError
from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.tables import Job, TrainingEpoch, User
from tests.factories import add_failures, add_job, add_photo, add_user
from tests.web.pages.forms import post_form


def failed_job(database: Database, owner: User) -> Job:
    """A job that ended with a permanent error."""
    job = add_job(database, owner_id=owner.id)
    with database.write() as session:
        store.claim(session, JobKind.CLASSIFY, "w", 1, job.id)
    with database.write() as session:
        store.fail(session, job.id, 1, BlobMissingError())
    return job


def test_a_seller_sees_own_jobs_and_an_administrator_all(
    signed_in: FlaskClient, admin_signed_in: FlaskClient, database: Database, seller: User
) -> None:
    own = add_job(database, owner_id=seller.id)
    other = add_job(database, owner_id=add_user(database, "Kim").id)
    sellers, everything = signed_in.get("/jobs").text, admin_signed_in.get("/jobs").text
    assert own.id in sellers
    assert other.id not in sellers
    assert own.id in everything
    assert other.id in everything


def test_a_filter_is_in_the_address_and_kept_by_the_other_filter(
    admin_signed_in: FlaskClient, database: Database, seller: User
) -> None:
    waiting = add_job(database, owner_id=seller.id)
    failed = failed_job(database, seller)
    page = admin_signed_in.get("/jobs?state=failed").text
    assert failed.id in page
    assert waiting.id not in page
    assert "/jobs?state=failed&amp;kind=train" in page


def test_a_filter_that_names_nothing_is_a_page_that_says_so(signed_in: FlaskClient) -> None:
    answer = signed_in.get("/jobs?state=sleeping", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_an_empty_list_says_what_to_do(signed_in: FlaskClient) -> None:
    assert "Nothing sent yet." in signed_in.get("/jobs").text
    assert "Nothing you sent matches." in signed_in.get("/jobs?state=failed").text


def test_a_failed_job_shows_its_sentence_and_its_code_and_to_operators_its_attempts(
    signed_in: FlaskClient, admin_signed_in: FlaskClient, database: Database, seller: User
) -> None:
    job = failed_job(database, seller)
    for page in (signed_in.get(f"/jobs/{job.id}").text, admin_signed_in.get(f"/jobs/{job.id}").text):
        assert "Please upload it again." in page
        assert "blob_missing" in page
        assert "Try again" in page
    assert "Attempt 1" not in signed_in.get(f"/jobs/{job.id}").text
    assert "Attempt 1" in page


def test_the_page_of_a_failed_photo_says_the_reason_once(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    photo = add_photo(database, blobs, seller)
    (job,) = add_failures(database, owner_id=seller.id, photo_id=photo.id)
    page = signed_in.get(f"/jobs/{job.id}").text
    assert page.count(">About blob_missing.<") == 1
    assert "See why below" not in page


def test_sellers_read_no_word_that_one_has_to_run_hangtag_to_understand(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    add_job(database, owner_id=seller.id)
    page = signed_in.get("/jobs").text
    for word in ("Jobs", "Quarantined", "Attempt", "Outcome"):
        assert f">{word}<" not in page


def test_a_waiting_job_can_be_cancelled_from_its_page(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    job = add_job(database, owner_id=seller.id)
    answer = post_form(signed_in, f"/jobs/{job.id}/cancel", page=f"/jobs/{job.id}")
    with database.read() as session:
        assert store.find(session, job.id).state is JobState.CANCELLED
    assert answer.location == f"/jobs/{job.id}"
    assert "It is cancelled." in signed_in.get(answer.location).text


def test_trying_again_leads_to_the_new_job(
    signed_in: FlaskClient, database: Database, blobs: BlobStore, seller: User
) -> None:
    job = add_job(database, owner_id=seller.id, photo_id=add_photo(database, blobs, seller).id)
    with database.write() as session:
        store.request_cancel(session, job.id)
    answer = post_form(signed_in, f"/jobs/{job.id}/retry", page=f"/jobs/{job.id}")
    assert answer.location.startswith("/jobs/")
    assert answer.location != f"/jobs/{job.id}"


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"]
)
def test_trying_again_never_leads_to_another_server(
    signed_in: FlaskClient, database: Database, seller: User, target: str
) -> None:
    job = failed_job(database, seller)
    answer = post_form(signed_in, f"/jobs/{job.id}/retry", {"next": target}, page=f"/jobs/{job.id}")
    assert answer.location.startswith("/jobs/")


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_nothing_changes_without_a_token(
    signed_in: FlaskClient, database: Database, seller: User, action: str
) -> None:
    job = add_job(database, owner_id=seller.id)
    answer = signed_in.post(f"/jobs/{job.id}/{action}", headers={"Accept": "text/html"})
    with database.read() as session:
        assert store.find(session, job.id).state is JobState.QUEUED
    assert answer.status_code == 403


def test_somebody_elses_job_is_not_found(signed_in: FlaskClient, database: Database) -> None:
    job = add_job(database, owner_id=add_user(database, "Kim").id)
    assert signed_in.get(f"/jobs/{job.id}").status_code == 404


def test_a_training_shows_its_epochs_as_curves_and_as_a_table(
    admin_signed_in: FlaskClient, database: Database, admin: User
) -> None:
    job = add_job(database, JobKind.TRAIN, owner_id=admin.id, payload={"parameters": {"seed": 7}})
    with database.write() as session:
        for epoch in (1, 2):
            figures = {"loss": 1 / epoch, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.4, "seconds": 2}
            session.add(TrainingEpoch(job_id=job.id, attempt=1, epoch=epoch, **figures))
    page = admin_signed_in.get(f"/jobs/{job.id}", follow_redirects=True).text
    assert page.count("<polyline") == 4
    assert "2 epochs in numbers" in page
    assert "0.5000" in page
