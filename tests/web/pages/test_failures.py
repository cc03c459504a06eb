"""The failures page: groups, confirmations, quarantine; and the queues at the top of the list of jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import failures, store
from shared.jobs.states import Handling, JobState
from shared.tables import Attempt, Job, Photo, User, WorkerHeartbeat
from tests.factories import add_failures, add_job, add_listing, add_photo
from tests.web.pages.forms import TOKEN, post_form

GROUP = "kind=classify&error_code=blob_missing&message=About+blob_missing."
HTML = {"Accept": "text/html"}


def listed(database: Database, handled: Handling) -> list[str]:
    with database.read() as session:
        return [job.id for job in store.page(session, handled=handled, limit=2000).items]


def press(client: FlaskClient, path: str) -> str:
    """Press the button of a confirmation, and read the page it leads to."""
    page = client.get(path).text
    token = TOKEN.findall(page)[-1]
    until = page.split('name="until" value="')[1].split('"')[0]
    answer = client.post(path, data={"csrf_token": token, "until": until}, headers=HTML)
    assert answer.status_code == 303
    return client.get(answer.location).text


@pytest.fixture
def suspect(database: Database, blobs: BlobStore, seller: User) -> Job:
    """A photo in quarantine after three attempts on two workers."""
    photo = add_photo(database, blobs, seller)
    (job,) = add_failures(
        database, 1, "worker_crashed", state=JobState.QUARANTINED, owner_id=seller.id, photo_id=photo.id
    )
    with database.write() as session:
        for number, worker in enumerate(("predict@a", "predict@b", "predict@a"), 1):
            session.add(Attempt(job_id=job.id, number=number, worker=worker, outcome="worker_lost"))
    return job


@pytest.mark.parametrize("path", ["/jobs/failures", f"/jobs/failures/retry?{GROUP}"])
def test_a_seller_sees_no_failures_of_others(signed_in: FlaskClient, path: str) -> None:
    answer = signed_in.get(path, headers=HTML)
    assert answer.status_code == 403
    assert "This is not open to you" in answer.text


@pytest.mark.parametrize(
    "path", ["/jobs/failures/retry", "/jobs/failures/discard", "/jobs/{id}/release", "/jobs/{id}/discard"]
)
def test_a_seller_can_do_nothing_about_them(
    signed_in: FlaskClient, database: Database, suspect: Job, path: str
) -> None:
    page = f"/jobs/{suspect.id}"
    assert post_form(signed_in, f"{path.format(id=suspect.id)}?{GROUP}", page=page).status_code == 403
    assert listed(database, Handling.OPEN) == [suspect.id]


def test_a_sellers_list_has_neither_queues_nor_failures(
    signed_in: FlaskClient, database: Database, suspect: Job
) -> None:
    page = signed_in.get("/jobs").text
    assert suspect.id in page
    assert "/jobs/failures" not in page
    assert "Workers" not in page


def test_failures_are_shown_by_cause_with_a_sample_and_a_filtered_list(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    add_failures(database, 3)
    page = admin_signed_in.get("/jobs/failures").text
    newest = listed(database, Handling.OPEN)[0]
    assert "About blob_missing." in page
    assert "3 photos" in page
    assert f'href="/jobs/{newest}"' in page
    assert "/jobs?kind=classify&amp;error_code=blob_missing&amp;handled=open" in page
    assert f"/jobs/failures/retry?{GROUP.replace('&', '&amp;')}" in page


def test_without_failures_the_page_says_so(admin_signed_in: FlaskClient) -> None:
    assert "Nothing to deal with." in admin_signed_in.get("/jobs/failures").text


def test_more_causes_than_fit_lead_to_the_command_line(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    for number in range(51):
        add_failures(database, error_message=f"Message {number}")
    page = admin_signed_in.get("/jobs/failures").text
    assert page.count("Message ") == 50
    assert "hangtag jobs retry" in page


def test_the_confirmation_of_a_retry_names_what_will_happen(
    admin_signed_in: FlaskClient, database: Database, suspect: Job
) -> None:
    add_failures(database, 2)
    page = admin_signed_in.get(f"/jobs/failures/retry?{GROUP}").text
    assert "2 new jobs are queued, one for each failure." in page
    assert "Queue 2 photos again" in page
    assert "took its worker down" not in page
    assert listed(database, Handling.RETRIED) == []
    crashed = admin_signed_in.get("/jobs/failures/retry?kind=classify&error_code=worker_crashed").text
    assert "It is in quarantine, because every attempt took its worker down." in crashed


def test_a_group_is_retried(admin_signed_in: FlaskClient, database: Database) -> None:
    jobs = add_failures(database, 3)
    page = press(admin_signed_in, f"/jobs/failures/retry?{GROUP}")
    assert "3 photos are queued again." in page
    assert sorted(listed(database, Handling.RETRIED)) == sorted(job.id for job in jobs)


def test_only_what_the_confirmation_counted_is_retried(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    add_failures(database, 2)
    path = f"/jobs/failures/retry?{GROUP}"
    page = admin_signed_in.get(path).text
    until = page.split('name="until" value="')[1].split('"')[0]
    add_failures(database, finished_at=utc_now() + timedelta(seconds=5))
    post_form(admin_signed_in, path, {"until": until}, page=path)
    assert len(listed(database, Handling.RETRIED)) == 2
    assert len(listed(database, Handling.OPEN)) == 1


def test_a_group_is_discarded_and_stays_findable(admin_signed_in: FlaskClient, database: Database) -> None:
    (job,) = add_failures(database)
    page = press(admin_signed_in, f"/jobs/failures/discard?{GROUP}")
    assert "1 photo is discarded." in page
    assert job.id in admin_signed_in.get("/jobs?handled=discarded").text
    assert "by Ada" in admin_signed_in.get(f"/jobs/{job.id}").text


def test_a_group_too_large_for_one_call_says_what_is_left(
    admin_signed_in: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "BATCH", 2)
    monkeypatch.setattr(failures, "CALL_SECONDS", 0.0)
    add_failures(database, 3)
    page = press(admin_signed_in, f"/jobs/failures/discard?{GROUP}")
    assert "2 photos are discarded, 1 is left. Do the same again to go on." in page


def test_somebody_who_comes_second_is_told_that_nothing_is_left(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    add_failures(database)
    path = f"/jobs/failures/retry?{GROUP}"
    press(admin_signed_in, path)
    assert "Somebody has dealt with these failures already." in admin_signed_in.get(path).text
    late = {"until": utc_now().isoformat()}
    post_form(admin_signed_in, path, late, page="/jobs/failures")
    assert "Nothing was left to do" in admin_signed_in.get("/jobs/failures").text


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"])
def test_a_moment_that_is_none_in_utc_is_refused_in_a_sentence(
    admin_signed_in: FlaskClient, moment: str
) -> None:
    answer = post_form(
        admin_signed_in, f"/jobs/failures/retry?{GROUP}", {"until": moment}, page="/jobs/failures"
    )
    assert answer.status_code == 422
    assert "open it again" in answer.text


@pytest.mark.parametrize(("address", "status"), [("", 404), ("kind=paint&error_code=x", 404), (GROUP, 422)])
def test_a_form_that_names_no_group_or_no_moment_changes_nothing(
    admin_signed_in: FlaskClient, database: Database, address: str, status: int
) -> None:
    add_failures(database)
    answer = post_form(admin_signed_in, f"/jobs/failures/retry?{address}", page="/jobs/failures")
    assert answer.status_code == status
    assert len(listed(database, Handling.OPEN)) == 1


def test_nothing_changes_without_a_token(
    admin_signed_in: FlaskClient, database: Database, suspect: Job
) -> None:
    for path in (
        f"/jobs/failures/discard?{GROUP}",
        f"/jobs/{suspect.id}/release",
        f"/jobs/{suspect.id}/discard",
    ):
        assert admin_signed_in.post(path, headers=HTML).status_code == 403
    assert listed(database, Handling.OPEN) == [suspect.id]


def test_the_quarantine_shows_the_photo_its_attempts_and_its_workers(
    admin_signed_in: FlaskClient, suspect: Job
) -> None:
    page = admin_signed_in.get("/jobs/failures").text
    assert f"/api/v1/photos/{suspect.photo_id}/thumbnail" in page
    assert "3 attempts on <code>predict@a</code>, <code>predict@b</code>" in page


def test_who_owns_a_photo_in_quarantine_reads_why_and_has_no_button_to_try_it_again(
    signed_in: FlaskClient, database: Database, seller: User, suspect: Job
) -> None:
    with database.read() as session:
        photo = session.get_one(Photo, suspect.photo_id)
    listing = add_listing(database, seller, photo)
    for path in (f"/jobs/{suspect.id}", f"/listings/{listing.id}"):
        page = signed_in.get(path).text
        assert "About worker_crashed." in page
        assert f"/jobs/{suspect.id}/retry" not in page


def test_a_photo_is_released_in_the_name_of_who_pressed(
    admin_signed_in: FlaskClient, database: Database, suspect: Job
) -> None:
    answer = post_form(
        admin_signed_in, f"/jobs/{suspect.id}/release", {"next": "/jobs/failures"}, page="/jobs/failures"
    )
    assert answer.location == "/jobs/failures"
    assert "It is released" in admin_signed_in.get("/jobs/failures").text
    with database.read() as session:
        again = store.find(session, store.find(session, suspect.id).retried_as or "")
    assert (again.payload["released_by"], again.photo_id) == ("Ada", suspect.photo_id)
    assert "Released by" in admin_signed_in.get(f"/jobs/{again.id}").text


def test_a_photo_in_quarantine_is_discarded(
    admin_signed_in: FlaskClient, database: Database, suspect: Job
) -> None:
    post_form(admin_signed_in, f"/jobs/{suspect.id}/discard", page=f"/jobs/{suspect.id}")
    assert "In quarantine" not in admin_signed_in.get("/jobs/failures").text
    assert listed(database, Handling.DISCARDED) == [suspect.id]


def test_a_job_that_was_tried_again_leads_to_the_one_in_its_place(
    signed_in: FlaskClient, database: Database, seller: User
) -> None:
    (job,) = add_failures(database, owner_id=seller.id)
    answer = post_form(signed_in, f"/jobs/{job.id}/retry", page=f"/jobs/{job.id}")
    page = signed_in.get(f"/jobs/{job.id}").text
    assert f'href="{answer.location}"' in page
    assert "Try again" not in page


def test_the_list_shows_queues_with_their_age_and_links(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    add_job(database)
    page = admin_signed_in.get("/jobs").text
    assert "Oldest waits for" in page
    assert "Idle: trainings, sweeps" in page
    assert '/jobs?state=queued&amp;kind=classify">1<' in page
    assert "No worker has been heard of" in page
    assert "No open failures" in page


def test_workers_are_shown_with_engine_memory_and_what_they_fell_back_to(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    now = utc_now()
    with database.write() as session:
        for name, seen_at, note in (
            ("predict@a", now, "Keras answers."),
            ("train@a", now - timedelta(hours=1), None),
        ):
            session.add(
                WorkerHeartbeat(
                    name=name,
                    kind=name.partition("@")[0],
                    engine="keras",
                    device="CPU",
                    note=note,
                    resident_bytes=812_000_000,
                    started_at=now,
                    seen_at=seen_at,
                )
            )
    page = admin_signed_in.get("/jobs").text
    for text in (
        "predict@a",
        "keras",
        "812 MB",
        "Keras answers.",
        "2 workers, 1 silent",
        "1 h ago",
        "Silent",
    ):
        assert text in page
    assert '<details id="worker-details" open>' in page


def test_error_codes_are_offered_where_failures_are_looked_at(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    (gone,) = add_failures(database)
    (full,) = add_failures(database, code="storage_full")
    assert "error_code=storage_full" not in admin_signed_in.get("/jobs").text
    page = admin_signed_in.get("/jobs?state=failed&error_code=blob_missing").text
    assert "/jobs?state=failed&amp;error_code=storage_full" in page
    assert gone.id in page
    assert full.id not in page
