"""What the outbox holds arrives, signed, whoever is slow, away or killed meanwhile."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from hangtag_client import WebhookError, verify_webhook
from shared import accounts
from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.errors import DatabaseUnavailableError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.photos import deletion
from shared.public_views import JobOut
from shared.settings import Settings
from shared.tables import Job, User, WebhookDelivery, WebhookEndpoint
from shared.webhooks import deliveries, endpoints, replaying
from shared.webhooks.deliveries import GIVE_UP_AFTER, GIVE_UP_FAILURES, Outcome
from shared.webhooks.pruning import prune_deliveries
from shared.webhooks.states import DeliveryState
from tests.factories import add_job, add_photo, add_user
from tests.processes import wait_until
from tests.webhook_receiver import Receiver, receiver, status
from worker.webhooks import post, sender
from worker.webhooks.sender import AT_ONCE, Abandoned, Sender

SECONDS = 20
# A process has to start first, and what the killed one had under way is left alone for a while.
START_SECONDS = 90
ANSWER = {"category": "hat", "confidence": 0.9, "decision": "suggest", "top": [], "model_version": 3}


@pytest.fixture
def owner(database: Database) -> User:
    """Somebody who sells."""
    return add_user(database)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of milliseconds where a product has minutes, and looks as often."""
    monkeypatch.setattr(deliveries, "backoff", lambda *_: timedelta(milliseconds=20))
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.02)


@contextmanager
def sending(database: Database, settings: Settings) -> Iterator[None]:
    """A sender at work."""
    stop = threading.Event()
    thread = threading.Thread(target=Sender(database, settings).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def add_webhook(database: Database, settings: Settings, owner: User, url: str) -> tuple[WebhookEndpoint, str]:
    """An endpoint for all that sellers can be told, and its secret."""
    events = ["job.succeeded", "job.failed", "job.cancelled", "batch.finished"]
    with database.write() as session:
        return endpoints.add(session, settings, owner.id, url, events)


def end_jobs(database: Database, owner: User, count: int = 1) -> list[Job]:
    """Jobs that have just succeeded."""
    for _ in range(count):
        add_job(database, owner_id=owner.id)
    with database.write() as session:
        jobs = store.claim(session, JobKind.CLASSIFY, "w", count)
        for job in jobs:
            store.succeed(session, job.id, 1, ANSWER)
    return jobs


def rows(database: Database) -> list[WebhookDelivery]:
    """All messages, oldest first."""
    with database.read() as session:
        return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def states(database: Database) -> set[str]:
    """Where they stand."""
    return {row.state.value for row in rows(database)}


def endpoint_now(database: Database) -> WebhookEndpoint:
    """The endpoint there is."""
    with database.read() as session:
        return session.scalars(select(WebhookEndpoint)).one()


def delivered(database: Database) -> Callable[[], bool]:
    """Whether all have arrived."""
    return lambda: states(database) == {"delivered"}


def test_a_message_says_what_the_api_says_and_its_signature_can_be_checked(
    database: Database, local: Settings, shop: Receiver, owner: User
) -> None:
    endpoint, secret = add_webhook(database, local, owner, shop.url)
    [job] = end_jobs(database, owner)
    with database.write() as session:
        found = endpoints.find(session, endpoint.id, owner.id, change=True)
        newer = endpoints.rotate(session, local, found, by=owner.name)
        replaying.test(session, found)
    with sending(database, local):
        wait_until(delivered(database), SECONDS, "both messages arrive")
    by_type = {json.loads(request.body)["type"]: request for request in shop.received}
    request = by_type["job.succeeded"]
    for valid in (secret, newer):
        message = verify_webhook(valid, request.headers, request.body)
        with database.read() as session:
            assert message["data"] == JobOut.of(store.find(session, job.id)).model_dump(mode="json")
        assert message["timestamp"] == message["data"]["finished_at"]
    assert verify_webhook(newer, by_type["test"].headers, by_type["test"].body)["data"] == {
        "webhook_id": endpoint.id
    }
    assert {row.id for row in rows(database)} == {r.headers["webhook-id"] for r in shop.received}
    wrong: list[tuple[Any, ...]] = [
        ("whsec_AAAA", request.headers, request.body),
        ("no secret!", request.headers, request.body),
        ("whsec_\u00e4\u00e4\u00e4\u00e4", request.headers, request.body),
        (secret, request.headers, request.body + b" "),
        (secret, {**request.headers, "webhook-id": "other"}, request.body),
        (secret, {**request.headers, "webhook-timestamp": "1"}, request.body),
        (secret, {**request.headers, "webhook-timestamp": "9" * 400}, request.body),
        (secret, {}, request.body),
    ]
    for arguments in wrong:
        with pytest.raises(WebhookError):
            verify_webhook(*arguments)


def test_a_message_is_tried_until_it_arrives_and_given_up_after_its_last_attempt(
    database: Database, local: Settings, shop: Receiver, owner: User
) -> None:
    add_webhook(database, local, owner, shop.url)
    end_jobs(database, owner)
    answers = [status(200, b"thank you"), status(429), status(302, Location="/"), status(500)]

    def one_after_the_other(handler: BaseHTTPRequestHandler) -> None:
        answers.pop()(handler)

    shop.answer = one_after_the_other
    with sending(database, local):
        wait_until(delivered(database), SECONDS, "the message arrives")
        assert len({request.headers["webhook-id"] for request in shop.received}) == 1
        [row] = rows(database)
        assert (row.attempt, row.status, row.error) == (4, 200, None)
        assert endpoint_now(database).failing_since is None
        shop.answer = status(500)
        with database.write() as session:
            session.execute(update(WebhookDelivery).values(max_attempts=6, state="waiting", ended_at=None))
        wait_until(lambda: states(database) == {"failed"}, SECONDS, "it is given up")
        assert len(shop.received) == 6
        shop.answer = None
        count = replaying.replay_failed(database, row.endpoint_id, utc_now() + timedelta(hours=1))
        assert (count, states(database)) == (0, {"failed"})
        assert replaying.replay_failed(database, row.endpoint_id, row.created_at) == 1
        wait_until(delivered(database), SECONDS, "the message arrives after all")


def test_a_receiver_that_asks_for_time_gets_it_and_one_that_is_gone_is_asked_no_more(
    database: Database, local: Settings, shop: Receiver, owner: User
) -> None:
    add_webhook(database, local, owner, shop.url)
    end_jobs(database, owner)
    shop.answer = status(503, Retry_After="3600")
    with sending(database, local):
        wait_until(lambda: rows(database)[0].status == 503, SECONDS, "it was asked")
        assert rows(database)[0].next_at > utc_now() + timedelta(minutes=59)
        end_jobs(database, owner)  # what comes now waits, too
        assert (endpoint_now(database).paused_until or utc_now()) > utc_now() + timedelta(minutes=59)
        shop.answer = status(410)
        with database.write() as session:
            found = endpoints.find(session, endpoint_now(database).id, None, change=True)
            endpoints.change(session, local, found, by="Sam", active=True)
        wait_until(lambda: not endpoint_now(database).active, SECONDS, "it is switched off")
    assert "410" in (endpoint_now(database).note or "")
    assert states(database) == {"waiting", "failed"}
    assert len(shop.received) == 2


def test_an_endpoint_that_fails_for_days_is_switched_off(
    database: Database, local: Settings, owner: User
) -> None:
    add_webhook(database, local, owner, "https://example.org/")
    end_jobs(database, owner)

    def fail(failures: int, since: datetime) -> bool:
        values = {"failures": failures, "failing_since": since, "paused_until": None}
        with database.write() as session:
            session.execute(update(WebhookEndpoint).values(**values))
            session.execute(update(WebhookDelivery).values(next_at=utc_now()))
        with database.write() as session:
            [message] = deliveries.claim(session, 1)
            deliveries.record(
                session, message.delivery_id, message.attempt, Outcome(utc_now(), 1, error="Nobody there.")
            )
        return endpoint_now(database).active

    long_ago = utc_now() - GIVE_UP_AFTER
    assert fail(GIVE_UP_FAILURES, utc_now())  # often, but not for days
    assert fail(1, long_ago)  # for days, but seldom
    assert not fail(GIVE_UP_FAILURES - 1, long_ago)
    assert "Nobody there." in (endpoint_now(database).note or "")


def test_a_slow_receiver_holds_a_few_places_and_nobody_else_up(
    database: Database, local: Settings, shop: Receiver, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than the quick one may take for all of it: what is held must not be given up and sent again.
    monkeypatch.setattr(post, "TIMEOUTS", httpx.Timeout(3 * SECONDS))
    monkeypatch.setattr(post, "TOTAL_SECONDS", 3 * SECONDS)
    over = threading.Event()
    with receiver() as slow:
        slow.answer = lambda handler: (over.wait(SECONDS), status(204)(handler))[1]
        add_webhook(database, local, owner, slow.url)
        add_webhook(database, local, owner, shop.url)
        end_jobs(database, owner, 2 * AT_ONCE)
        with sending(database, local), sending(database, local):
            wait_until(lambda: len(shop.received) == 2 * AT_ONCE, SECONDS, "the quick one has everything")
            assert slow.most_at_once == deliveries.AT_ONCE_PER_ENDPOINT
            over.set()
            wait_until(delivered(database), SECONDS, "the slow one has everything")
        assert len(slow.received) == 2 * AT_ONCE  # two senders, and nothing twice
        assert slow.most_at_once == deliveries.AT_ONCE_PER_ENDPOINT


def test_nothing_is_sent_for_somebody_who_was_disabled_or_with_a_secret_nobody_was_given(
    database: Database, local: Settings, shop: Receiver, owner: User
) -> None:
    add_user(database, "Ada", "admin")
    add_webhook(database, local, owner, shop.url)
    end_jobs(database, owner)
    with database.write() as session:
        accounts.disable(session, owner.id, by="Ada")
        assert deliveries.claim(session, 5) == []
        accounts.enable(session, owner.id, by="Ada")
    changed = dataclasses.replace(local, secret_key="another key of the server, long enough")
    with sending(database, changed):
        wait_until(lambda: not endpoint_now(database).active, SECONDS, "it is switched off")
    assert "new secret" in (endpoint_now(database).note or "")
    assert shop.received == []
    assert states(database) == {"waiting"}


def test_old_messages_are_pruned_and_those_that_wait_for_somebody_stay(
    database: Database, local: Settings, owner: User
) -> None:
    endpoint, _ = add_webhook(database, local, owner, "https://example.org/")
    old, new = utc_now() - timedelta(days=9), utc_now()
    end_jobs(database, owner, 4)
    ids = [row.id for row in rows(database)]
    with database.write() as session:
        for delivery_id, ended_at in zip(ids, (old, new, None, None), strict=True):
            state = DeliveryState.DELIVERED if ended_at else DeliveryState.WAITING
            values = {"state": state, "ended_at": ended_at, "created_at": old}
            session.execute(update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(**values))
    assert prune_deliveries(database, utc_now() - timedelta(days=8)) == 1
    with database.write() as session:
        session.execute(update(WebhookEndpoint).values(active=False))
    assert prune_deliveries(database, utc_now() - timedelta(days=8)) == 2
    assert [row.id for row in rows(database)] == [ids[1]]
    assert endpoint.active


def test_what_a_frozen_sender_says_too_late_counts_no_more(
    database: Database, local: Settings, owner: User
) -> None:
    add_webhook(database, local, owner, "https://example.org/")
    end_jobs(database, owner)
    with database.write() as session:
        [message] = deliveries.claim(session, 1)
    clock = iter(range(0, 1000, 5))
    watch = Abandoned(database, lambda: next(clock))
    for _ in range(12):
        watch.look()
        assert states(database) == {"sending"}
    for _ in range(2):
        watch.look()
    assert states(database) == {"waiting"}
    with database.write() as session:
        [again] = deliveries.claim(session, 1)
        assert not deliveries.record(session, message.delivery_id, message.attempt, Outcome(utc_now(), 1))
    assert (again.delivery_id, again.attempt, states(database)) == (message.delivery_id, 2, {"sending"})


def test_what_is_answered_about_a_photo_that_was_deleted_meanwhile_is_not_kept(
    database: Database, local: Settings, blobs: BlobStore, owner: User
) -> None:
    add_webhook(database, local, owner, "https://example.org/")
    photo = add_photo(database, blobs, owner)
    with database.write() as session:
        store.create_answered(session, JobKind.CLASSIFY, owner_id=owner.id, photo_id=photo.id, result=ANSWER)
    with database.write() as session:
        [message] = deliveries.claim(session, 1)
    assert b"hat" in message.body
    with database.write() as session:
        deletion.delete_photo(session, photo.id)
    outcome = Outcome(utc_now(), 1, status=500, answer="No hats here.", error="The receiver answered 500.")
    with database.write() as session:
        assert deliveries.record(session, message.delivery_id, message.attempt, outcome)
        session.execute(update(WebhookDelivery).values(next_at=utc_now()))
        session.execute(update(WebhookEndpoint).values(paused_until=None))
    assert rows(database)[0].answer is None
    with database.write() as session:
        [again] = deliveries.claim(session, 1)
    assert b"hat" not in again.body


def test_an_attempt_is_told_once_it_is_written_down_and_not_when_that_failed(
    database: Database, local: Settings, shop: Receiver, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, write = deliveries.record, Database.write
    recorded: list[str] = []
    failed = threading.Event()

    def noted(session: Session, delivery_id: str, *rest: Any) -> bool:
        recorded.append(delivery_id)
        return record(session, delivery_id, *rest)

    @contextmanager
    def fails_once(self: Database) -> Iterator[Session]:
        with write(self) as session:
            yield session
            if recorded and not failed.is_set():
                failed.set()
                raise DatabaseUnavailableError

    add_webhook(database, local, owner, shop.url)
    end_jobs(database, owner)
    monkeypatch.setattr(deliveries, "record", noted)
    monkeypatch.setattr(Database, "write", fails_once)
    with capture_logs() as logs, sending(database, local):
        wait_until(delivered(database), SECONDS, "it arrives")
    assert [log["event"] for log in logs] == ["webhooks_wait", "webhook_sent"]


def test_a_killed_sender_loses_nothing(
    database: Database, local: Settings, settings: Settings, shop: Receiver, owner: User
) -> None:
    add_webhook(database, local, owner, shop.url)
    jobs = end_jobs(database, owner, 12)
    env = {
        **os.environ,
        "HANGTAG_DATA_DIR": str(settings.data_dir),
        "HANGTAG_DATABASE_URL": settings.database_url,
        "HANGTAG_REDIS_URL": settings.redis_url or "",
        "HANGTAG_WEBHOOK_NETWORKS": "127.0.0.0/8",
    }

    def start(abandoned_after: float) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.worker.webhooks.maintain_child", str(abandoned_after)]
        return subprocess.Popen(command, env=env)

    over = threading.Event()
    shop.answer = lambda handler: (over.wait(SECONDS), status(204)(handler))[1]
    first = start(3600)  # it must not take its own posts for a dead sender's, however long they are held
    try:
        wait_until(lambda: len(shop.received) >= 4, START_SECONDS, "some are under way")
        first.kill()
        first.wait()
        assert "sending" in states(database)
    finally:
        first.kill()
        over.set()
    second = start(5)
    try:
        wait_until(delivered(database), START_SECONDS, "all arrive")
    finally:
        second.send_signal(signal.SIGTERM)
        assert second.wait(post.TOTAL_SECONDS + 10) == 0
    told = [json.loads(request.body)["data"]["id"] for request in shop.received]
    assert set(told) == {job.id for job in jobs}
    assert len(told) == len(jobs) + 4  # those that were under way came twice, under the same id
    assert len({request.headers["webhook-id"] for request in shop.received}) == len(jobs)
