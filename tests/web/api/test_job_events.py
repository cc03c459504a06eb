"""A job told as a stream of events: once for each change, resumed where it broke off, never too many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

import pytest
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import Job, User
from tests.factories import add_job, add_user
from tests.web.conftest import Api
from web import streams
from web.streams import MAX_STREAMS_PER_PERSON, events


@pytest.fixture
def job(database: Database, seller: User) -> Job:
    """A queued job of the seller's."""
    return add_job(database, owner_id=seller.id)


def follow(api: Api, job: Job, last_id: str | None = None) -> TestResponse:
    """Open a stream."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    return api("GET", f"/api/v1/jobs/{job.id}/events", headers=headers)


def told(stream: Response) -> Iterator[tuple[str, dict[str, object]]]:
    """The id and the job of each event, as they come."""
    for block in stream.iter_encoded():
        fields = dict(line.split(": ", 1) for line in block.decode().strip().split("\n"))
        if "event" in fields:
            yield fields["id"], json.loads(fields["data"])


def finish(database: Database, job: Job) -> None:
    """Run the job to its end."""
    with database.write() as session:
        store.claim(session, JobKind.CLASSIFY, "w", 1, job.id)
    with database.write() as session:
        store.succeed(session, job.id, 1, {})


def test_a_job_is_told_at_once_and_at_each_change_until_it_has_ended(
    as_seller: Api, database: Database, job: Job
) -> None:
    with follow(as_seller, job) as stream:
        assert (stream.status_code, stream.mimetype) == (200, "text/event-stream")
        seen = told(stream)
        first = next(seen)
        finish(database, job)
        rest = list(seen)
    assert first[1]["state"] == "queued"
    assert [event["state"] for _, event in rest] == ["succeeded"]


def test_a_client_that_comes_back_is_told_only_what_it_has_not_seen(
    as_seller: Api, database: Database, job: Job
) -> None:
    with follow(as_seller, job) as stream:
        last_id, _ = next(told(stream))
    finish(database, job)
    with follow(as_seller, job, last_id) as stream:
        ((final_id, event),) = told(stream)
    assert event["state"] == "succeeded"
    assert follow(as_seller, job, final_id).status_code == 204


def test_one_person_has_a_few_streams_and_gives_them_back(as_seller: Api, as_admin: Api, job: Job) -> None:
    opened = [follow(as_seller, job) for _ in range(MAX_STREAMS_PER_PERSON)]
    refused = follow(as_seller, job)
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    with follow(as_admin, job) as other:
        assert other.status_code == 200
    opened[0].close()  # never read from
    with follow(as_seller, job) as again:
        assert again.status_code == 200
    for stream in opened[1:]:
        stream.close()


def test_a_process_with_all_streams_taken_says_when_to_come_back(as_seller: Api, job: Job) -> None:
    held = as_seller.client.application.extensions["hangtag"].streams
    closes = [held.take(f"person-{number}") for number in range(streams.MAX_STREAMS)]
    refused = follow(as_seller, job)
    assert (refused.status_code, refused.json["code"]) == (503, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    closes[0]()
    closes[0]()
    with follow(as_seller, job) as stream:
        assert stream.status_code == 200


def test_somebody_elses_job_is_not_there(as_seller: Api, database: Database, blobs: BlobStore) -> None:
    theirs = add_job(database, owner_id=add_user(database, "Kim").id)
    assert follow(as_seller, theirs).status_code == 404


def test_a_stream_in_which_nothing_happens_shows_that_it_lives_and_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.01)
    blocks = list(islice(events(lambda: ("same", False), None), 6))
    assert blocks[1].startswith("id: ")
    assert blocks[2:] == [": still there\n\n"] * 4
    ended = list(events(lambda: ("same", False), None, seconds=0.05))
    assert sum(block.startswith("id: ") for block in ended) == 1
