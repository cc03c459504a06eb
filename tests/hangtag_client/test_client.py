"""What programs do with `hangtag_client`, against the real web server."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hangtag_client import (
    ApiError,
    AsyncClient,
    Client,
    JobError,
    NotHangtagError,
    UnreachableError,
    exchange,
)
from tests.archives import archive
from tests.factories import picture
from tests.hangtag_client.gateway import LOSE_ANSWER, Gateway
from tests.web_server import WebServer


@pytest.mark.usefixtures("worker")
def test_a_photo_is_sent_from_its_file_and_its_answer_waited_for(hangtag: Client, tmp_path: Path) -> None:
    file = tmp_path / "red hat.jpg"
    file.write_bytes(picture(1))
    sent = hangtag.classify(file, wait=30)
    assert (sent.suggestion.category, sent.photo.name) == ("hat", "red hat.jpg")


def test_a_photo_nobody_answers_says_that_its_job_goes_on(hangtag: Client) -> None:
    sent = hangtag.classify(picture(2), wait=1)
    with pytest.raises(JobError, match="goes on") as caught:
        _ = sent.suggestion
    assert (caught.value.code, caught.value.job_id) == ("not_finished", sent.job.id)
    assert hangtag.cancel_job(sent.job.id).state == "cancelled"
    with pytest.raises(JobError, match="cancelled"):
        hangtag.job(sent.job.id, wait=30).outcome()


@pytest.mark.usefixtures("worker")
def test_the_photos_of_a_folder_come_back_with_their_files(hangtag: Client, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.jpg").write_bytes(picture(3))
    (tmp_path / "below" / "b.png").write_bytes(picture(4, kind="PNG"))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not sent")
    found = {item.path: item for item in hangtag.classify_folder(tmp_path, wait=30)}
    assert set(found) == {tmp_path / "a.jpg", tmp_path / "below" / "b.png", tmp_path / "broken.jpg"}
    answered = found[tmp_path / "below" / "b.png"].suggestion
    refused = found[tmp_path / "broken.jpg"].error
    assert answered is not None
    assert refused is not None
    assert (answered.category, refused.code) == ("hat", "unsupported_media_type")
    assert found[tmp_path / "below" / "b.png"].name == "below/b.png"


@pytest.mark.usefixtures("worker")
def test_a_zip_is_sent_as_one_batch(hangtag: Client, tmp_path: Path) -> None:
    file = tmp_path / "photos.zip"
    file.write_bytes(archive({"one.jpg": picture(5), "two.jpg": picture(6)}))
    assert [item.state for item in hangtag.classify_folder(file, wait=30)] == ["succeeded", "succeeded"]


def test_a_folder_without_photos_is_said_to_have_none(hangtag: Client, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There are no photos"):
        hangtag.classify_folder(tmp_path)


def test_events_follow_a_job_to_its_end(hangtag: Client) -> None:
    sent = hangtag.classify(picture(7))
    states: list[str] = []
    for job in hangtag.events(sent.job.id):
        if not states:
            hangtag.cancel_job(job.id)
        states.append(job.state)
    assert states == ["queued", "cancelled"]


@contextmanager
def answering(kind: str) -> Iterator[tuple[str, list[str]]]:
    """The address of somebody who answers everything with 200, this type and nothing; and what was asked."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("kind", "error", "requests"),
    [("text/html", NotHangtagError, 1), ("text/event-stream", UnreachableError, exchange.TRIES)],
)
def test_a_stream_in_which_nothing_comes_is_given_up(
    monkeypatch: pytest.MonkeyPatch, kind: str, error: type[Exception], requests: int
) -> None:
    monkeypatch.setattr(exchange, "FIRST_PAUSE_SECONDS", 0.001)

    async def follow(url: str) -> None:
        async with AsyncClient(url, "k") as hangtag:
            async for _ in hangtag.events("1"):
                pass

    with answering(kind) as (url, seen):
        with Client(url, "k") as hangtag, pytest.raises(error):
            list(hangtag.events("1"))
        with pytest.raises(error):
            asyncio.run(follow(url))
    assert len(seen) == 2 * requests


def test_a_choice_needs_the_listing_as_it_is_now(hangtag: Client) -> None:
    photo = hangtag.classify(picture(8)).photo
    seen = hangtag.create_listing("A hat", [photo.id])
    chosen = hangtag.choose_category(seen, "not-in-list")
    assert (chosen.category, hangtag.listing(seen.id)) == ("not-in-list", chosen)
    with pytest.raises(ApiError) as caught:
        hangtag.choose_category(seen, "several-items")
    assert (caught.value.status, caught.value.code) == (412, "precondition_failed")


def test_a_refusal_carries_what_the_server_said(hangtag: Client) -> None:
    with pytest.raises(ApiError) as caught:
        hangtag.create_listing("t" * 5000)
    error = caught.value
    assert (error.status, error.code, list(error.fields)) == (422, "validation_error", ["title"])
    assert error.request_id
    assert error.fields["title"] in str(error)


def test_trainings_and_versions_are_reached(hangtag: Client) -> None:
    assert hangtag.models() == []
    with pytest.raises(ApiError) as no_version:
        hangtag.model(7)
    with pytest.raises(ApiError) as no_data:
        hangtag.train("quick", wait=5, epochs=2)
    assert (no_version.value.status, no_data.value.status) == (404, 404)
    assert "photos" in no_data.value.detail


@pytest.mark.parametrize("fault", [LOSE_ANSWER, 503])
def test_a_photo_whose_answer_was_lost_is_sent_again_and_is_one_job(
    server: WebServer, key: str, front: Gateway, fault: int
) -> None:
    before = server.rows()["job"]
    front.faults = [fault, fault]
    with Client(front.url, key) as hangtag:
        sent = hangtag.classify(picture(100 + fault))
    assert front.seen == ["POST /api/v1/classifications"] * 3
    assert server.rows()["job"] == before + 1
    assert sent.job.state == "queued"


def test_a_busy_server_is_given_the_time_it_asks_for(
    key: str, front: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    front.faults, front.retry_after = [429], "7"
    with Client(front.url, key) as hangtag:
        assert hangtag.models() == []
    assert pauses == [7.0]


def test_a_wait_of_hours_is_left_to_the_caller(key: str, front: Gateway) -> None:
    front.faults, front.retry_after = [429], "7200"
    with Client(front.url, key) as hangtag, pytest.raises(ApiError) as caught:
        hangtag.models()
    assert (caught.value.status, caught.value.retry_after, len(front.seen)) == (429, 7200, 1)


def test_a_choice_whose_answer_was_lost_is_not_made_again(key: str, front: Gateway) -> None:
    with Client(front.url, key) as hangtag:
        seen = hangtag.create_listing("Lost", [hangtag.classify(picture(9)).photo.id])
        front.faults = [LOSE_ANSWER]
        with pytest.raises(UnreachableError):
            hangtag.choose_category(seen, "not-in-list")
        assert len(hangtag.listing(seen.id).choices) == 1


def test_nobody_at_the_address_is_said_in_a_sentence(
    key: str, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with Client(nobody, key) as hangtag, pytest.raises(UnreachableError, match="runs"):
        hangtag.models()


def test_address_and_key_come_from_the_environment(
    server: WebServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="HANGTAG_API_KEY"):
        Client(server.url)
    monkeypatch.setenv("HANGTAG_URL", f"{server.url}/")
    monkeypatch.setenv("HANGTAG_API_KEY", key)
    with Client() as hangtag:
        assert hangtag.models() == []


@pytest.mark.usefixtures("worker")
def test_the_asynchronous_client_does_the_same(key: str, front: Gateway, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(10))
    front.faults = [LOSE_ANSWER, 503]

    async def use() -> tuple[str, list[str], list[str]]:
        async with AsyncClient(front.url, key) as hangtag:
            alone = await hangtag.classify(picture(11), wait=30)
            items = await hangtag.classify_folder(tmp_path, wait=30)
            states = [job.state async for job in hangtag.events(alone.job.id)]
        return alone.suggestion.category, [item.state for item in items], states

    assert asyncio.run(use()) == ("hat", ["succeeded"], ["succeeded"])


def test_both_clients_can_do_the_same() -> None:
    def offered(client: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in vars(client).items()
            if callable(member) and not name.startswith("_")
        }

    assert offered(Client) == offered(AsyncClient)
    assert len(offered(Client)) > 10
