"""What somebody who can write to Redis or the blob store gets out of it."""

from __future__ import annotations

import base64
import json
import pickle
from dataclasses import replace

import pytest
import redis
from kombu.exceptions import ContentDisallowed
from kombu.serialization import loads, prepare_accept_content

from shared.blobs import BlobStore, head_key
from shared.database import Database
from shared.errors import ChecksumError
from shared.jobs.queue import QUEUES, CeleryQueue, celery_application
from shared.jobs.states import JobKind
from shared.models import registry
from shared.redis_server import client_url
from shared.settings import Settings
from tests.factories import add_champion, random_head


def test_a_message_holds_the_id_of_a_job_as_json_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A machine that stands still for a second is not this test's matter.
    monkeypatch.setattr("shared.jobs.queue.PUBLISH_SECONDS", 30.0)
    client = redis.Redis.from_url(client_url(settings))
    queue = f"hangtag:{QUEUES[JobKind.CLASSIFY]}"
    client.delete(queue)
    assert CeleryQueue(settings).publish(JobKind.CLASSIFY, "the-id")
    (message,) = [json.loads(raw) for raw in client.lrange(queue, 0, -1)]
    client.delete(queue)
    client.close()
    assert message["content-type"] == "application/json"
    arguments, named, embedded = json.loads(base64.b64decode(message["body"]))
    assert (arguments, named) == (["the-id"], {})
    assert not any(embedded.values())


def test_a_worker_refuses_what_is_not_json(settings: Settings) -> None:
    accepted = prepare_accept_content(celery_application(settings).conf.accept_content)
    with pytest.raises(ContentDisallowed):
        loads(pickle.dumps(print), "application/x-python-serialize", "binary", accept=accepted)
    assert loads(b'["id"]', "application/json", "utf-8", accept=accepted) == ["id"]


def test_workers_take_no_orders_through_redis(settings: Settings) -> None:
    assert celery_application(settings).conf.worker_enable_remote_control is False


@pytest.mark.parametrize("bad", ["another head", "garbage", "a pickle"])
def test_a_head_that_was_exchanged_in_the_store_is_not_loaded(
    database: Database, blobs: BlobStore, bad: str
) -> None:
    version = add_champion(database, blobs)
    content = {
        "another head": random_head(seed=9).to_bytes(),
        "garbage": b"garbage",
        "a pickle": pickle.dumps(print),
    }[bad]
    blobs.put(head_key(version.head_digest), content)
    with pytest.raises(ChecksumError):
        registry.load_head(blobs, version)


def test_the_embedded_redis_is_the_default_and_listens_on_no_port(settings: Settings) -> None:
    url = client_url(replace(settings, redis_url=None))
    assert url.startswith("unix://")
