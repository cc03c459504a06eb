"""What has to be told is written down with what happens, once, for its owner and nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from shared import batches
from shared.batches import Sent
from shared.blobs import BlobStore
from shared.database import Database
from shared.errors import PermanentError, PhotoError, TransientError
from shared.jobs import batch, store
from shared.jobs.states import JobKind
from shared.models import registry
from shared.photos import deletion
from shared.photos.intake import prepare
from shared.photos.store import StoredPhoto
from shared.settings import Settings
from shared.tables import Job, User, WebhookDelivery, WebhookEndpoint
from shared.webhooks import endpoints
from shared.webhooks.states import SUBSCRIBABLE
from tests.factories import add_champion, add_job, add_photo, add_user, picture

EVERYTHING = [event.value for event in SUBSCRIBABLE]
FOR_SELLERS = [event for event in EVERYTHING if event != "version.promoted"]
ANSWER = {"category": "hat", "confidence": 0.9, "decision": "suggest", "top": []}


def add_webhook(
    database: Database, settings: Settings, owner: User, events: list[str] | None = None, path: str = ""
) -> WebhookEndpoint:
    """An endpoint at an address nobody is asked at here."""
    with database.write() as session:
        url = f"https://example.org/{path}"
        return endpoints.add(session, settings, owner.id, url, events or FOR_SELLERS)[0]


def written(database: Database) -> list[tuple[str, str | None]]:
    """The events there are messages about, and the jobs."""
    with database.read() as session:
        rows = session.execute(
            select(WebhookDelivery.event, WebhookDelivery.job_id).order_by(WebhookDelivery.id)
        )
        return [(row.event, row.job_id) for row in rows]


def claimed(database: Database, owner: User, **fields: Any) -> Job:
    """A job that runs."""
    add_job(database, owner_id=owner.id, **fields)
    with database.write() as session:
        return store.claim(session, JobKind.CLASSIFY, "w", 1)[0]


def _last_attempt(session: Session, job: Job) -> None:
    session.execute(update(Job).where(Job.id == job.id).values(max_attempts=1))
    session.expire_all()
    store.lose(session, store.find(session, job.id))


ENDS: dict[str, tuple[Callable[[Session, Job], object], str]] = {
    "succeeded": (lambda session, job: store.succeed(session, job.id, 1, ANSWER), "job.succeeded"),
    "one of many": (
        lambda session, job: batch.succeed(
            session, batch.held(session, [(job.id, 1)]).values(), {job.id: ANSWER}
        ),
        "job.succeeded",
    ),
    "failed": (lambda session, job: store.fail(session, job.id, 1, PermanentError("x")), "job.failed"),
    "quarantined": (_last_attempt, "job.failed"),
    "cancelled": (lambda session, job: store.cancelled(session, job.id, 1), "job.cancelled"),
}


def test_each_end_of_a_job_leaves_one_message_for_its_owner_and_a_rollback_none(
    database: Database, settings: Settings
) -> None:
    owner, other = add_user(database), add_user(database, "Kim")
    add_webhook(database, settings, owner)
    add_webhook(database, settings, other)
    expected: list[tuple[str, str | None]] = []
    for name, (end, told) in ENDS.items():
        job = claimed(database, owner)
        with database.write() as session:
            end(session, job)
            session.rollback()
        assert written(database) == expected, name
        with database.write() as session:
            end(session, job)
        expected.append((told, job.id))
        assert written(database) == expected, name
    job = claimed(database, owner)
    with database.write() as session:
        store.fail(session, job.id, 1, TransientError("Later."))  # it goes on, so nobody is told
    with database.write() as session:
        store.request_cancel(session, job.id)
    assert written(database) == [*expected, ("job.cancelled", job.id)]


def test_only_wanted_events_of_endpoints_that_are_on_are_written(
    database: Database, settings: Settings
) -> None:
    owner = add_user(database)
    wanted = add_webhook(database, settings, owner, ["job.failed"], "failures")
    off = add_webhook(database, settings, owner, path="off")
    with database.write() as session:
        endpoint = endpoints.find(session, off.id, owner.id, change=True)
        endpoints.change(session, settings, endpoint, by=owner.name, active=False)
    for end in (ENDS["succeeded"][0], ENDS["failed"][0]):
        job = claimed(database, owner)
        with database.write() as session:
            end(session, job)
    with database.read() as session:
        rows = session.scalars(select(WebhookDelivery)).all()
    assert [(row.endpoint_id, row.event) for row in rows] == [(wanted.id, "job.failed")]


def test_a_photo_that_is_deleted_or_known_already_is_told_too(
    database: Database, settings: Settings, blobs: BlobStore
) -> None:
    owner = add_user(database)
    endpoint = add_webhook(database, settings, owner)
    photo = add_photo(database, blobs, owner)
    with database.write() as session:
        known = store.create_answered(
            session, JobKind.CLASSIFY, owner_id=owner.id, photo_id=photo.id, result=ANSWER
        )
        session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.endpoint_id == endpoint.id)
            .values(answer="You said: hat")
        )
    waiting = add_job(database, owner_id=owner.id, photo_id=photo.id)
    with database.write() as session:
        deletion.delete_photo(session, photo.id)
    assert written(database) == [("job.succeeded", known.id), ("job.cancelled", waiting.id)]
    with database.read() as session:
        assert session.scalars(select(WebhookDelivery.answer)).all() == [None, None]
    with database.write() as session:
        deletion.delete_traces_of(session, owner.id)
    assert written(database) == []


def sent(*seeds: int) -> list[Sent]:
    """Photos of a batch, and a file that is none."""
    stored = [StoredPhoto.of(prepare(picture(seed)), f"{seed}.jpg") for seed in seeds]
    return [Sent("x.txt", PhotoError()), *(Sent(photo.name, photo) for photo in stored)]


def test_a_batch_is_finished_once_whoever_ends_its_last_two_photos_at_the_same_time(
    database: Database, settings: Settings
) -> None:
    owner = add_user(database)
    add_webhook(database, settings, owner, ["batch.finished"])
    with database.write() as session:
        batches.create(session, owner.id, sent())  # nothing in it can be used
    assert written(database) == [("batch.finished", None)]
    with database.write() as session:
        batches.create(session, owner.id, sent(1, 2))
    with database.write() as session:
        jobs = store.claim(session, JobKind.CLASSIFY, "w", 2)
    assert len(written(database)) == 1
    ready = threading.Barrier(2)

    def end(job: Job) -> None:
        if database.url.startswith("sqlite"):  # one writer at a time, so there is nothing to interleave
            ready.wait(20)
        with database.write() as session:
            if not database.url.startswith("sqlite"):
                session.execute(select(Job.id).where(Job.id == job.id).with_for_update())
                ready.wait(20)
            store.succeed(session, job.id, 1, ANSWER)

    threads = [threading.Thread(target=end, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written(database) == [("batch.finished", None)] * 2
    with database.write() as session:
        again = store.create_answered(
            session, JobKind.CLASSIFY, owner_id=owner.id, photo_id=jobs[0].photo_id or "", result=ANSWER
        )
        batches.follow(session, {jobs[0].id: again.id})
    assert len(written(database)) == 2


def test_administrators_are_told_of_promotions(
    database: Database, settings: Settings, blobs: BlobStore
) -> None:
    admin, former = add_user(database, "Ada", "admin"), add_user(database, "Ben", "admin")
    add_webhook(database, settings, admin, EVERYTHING)
    add_webhook(database, settings, former, EVERYTHING)
    with database.write() as session:
        session.execute(update(User).where(User.id == former.id).values(role="seller"))
    version = add_champion(database, blobs)
    with database.write() as session:
        registry.promote(session, version.number, "Ada", "Again.")
    assert written(database) == [("version.promoted", None)] * 2


def test_without_endpoints_ending_photos_costs_one_statement_however_many_they_are(
    database: Database,
) -> None:
    owner = add_user(database)
    statements: list[str] = []
    event.listen(
        database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]), named=False
    )
    for count in (1, 30):
        for _ in range(count):
            add_job(database, owner_id=owner.id)
        with database.write() as session:
            jobs = store.claim(session, JobKind.CLASSIFY, "w", count)
        statements.clear()
        with database.write() as session:
            held = batch.held(session, [(job.id, 1) for job in jobs])
            batch.succeed(session, held.values(), {job.id: ANSWER for job in jobs})
        assert sum("webhook" in statement for statement in statements) == 1
