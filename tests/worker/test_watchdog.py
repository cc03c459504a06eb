"""A worker that has gone deaf is told from one that is busy, has nothing to do, or cannot know."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from celery import Celery

from shared.jobs import queue as wake_ups
from shared.jobs.queue import CeleryQueue, celery_application
from shared.jobs.states import JobKind
from shared.redis_server import client_url
from shared.settings import Settings, load_settings
from worker import watchdog as module
from worker.watchdog import DEAF_LOOKS, Watchdog, messages_wait


def looks(watchdog: Watchdog, count: int) -> list[bool]:
    return [watchdog.look() for _ in range(count)]


def test_a_worker_is_deaf_once_messages_wait_and_none_arrives_for_half_a_minute() -> None:
    watchdog = Watchdog(waiting=lambda: True, busy=lambda: False)
    assert looks(watchdog, DEAF_LOOKS) == [False] * (DEAF_LOOKS - 1) + [True]


@pytest.mark.parametrize(("waiting", "busy"), [(True, True), (False, False)])
def test_a_worker_that_is_busy_or_has_no_messages_is_not_deaf(waiting: bool, busy: bool) -> None:
    assert not any(looks(Watchdog(lambda: waiting, lambda: busy), 3 * DEAF_LOOKS))


def test_one_message_that_arrives_begins_the_count_anew() -> None:
    watchdog = Watchdog(waiting=lambda: True, busy=lambda: False)
    looks(watchdog, DEAF_LOOKS - 1)
    watchdog.hear(sender="Celery")
    assert looks(watchdog, DEAF_LOOKS + 1) == [False] * DEAF_LOOKS + [True]


@pytest.fixture
def predict_app(settings: Settings) -> Celery:
    app = celery_application(settings)
    app.amqp.queues.select(["predict"])
    return app


def test_only_messages_of_the_own_queue_wait(
    settings: Settings, predict_app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake_ups, "PUBLISH_SECONDS", 30.0)  # this Redis does answer, if the machine lets it
    monkeypatch.setattr(module, "REDIS_SECONDS", 30.0)
    with redis.Redis.from_url(client_url(settings)) as server:
        server.delete("hangtag:predict")  # this Redis serves other tests, too
    queue = CeleryQueue(settings)
    assert queue.publish(JobKind.TRAIN, "1")
    assert not messages_wait(predict_app, settings)
    assert queue.publish(JobKind.CLASSIFY, "2")
    assert messages_wait(predict_app, settings)


def test_without_redis_nobody_knows(tmp_path: Path) -> None:
    away = load_settings({"HANGTAG_DATA_DIR": str(tmp_path)})
    app = celery_application(away)
    app.amqp.queues.select(["predict"])
    assert not messages_wait(app, away)
