"""Clients who send slowly hold nobody else up, and a web process that dies takes nothing half with it."""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.blobs import BlobStore
from tests.factories import add_key, add_user, picture
from tests.web_server import WebServer, serve
from worker.leftovers import KEPT_FOR, sweep_blobs

# Tells `mortal_server` to die; importing it here would start its application.
ORDER = "die"
BATCHES = "/api/v1/batches"
NONE = {"job": 0, "photo": 0, "batch": 0, "batch_item": 0, "idempotency_key": 0}
# A trickle that would keep an unwatched server for hours.
PIECE, PAUSE_SECONDS = b"x" * 16, 0.25
REFUSED_SECONDS = 60
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def impatient(short_tmp: Path, redis_url: str) -> Iterator[WebServer]:
    """One web process, which waits two seconds for a client: only for those who are slow on purpose."""
    with serve(short_tmp / "slow", redis_url, conf="tests.security.impatient_conf") as running:
        yield running


@pytest.fixture(scope="module")
def server(short_tmp: Path, redis_url: str) -> Iterator[WebServer]:
    """One web process, which dies when it is told to."""
    modules = {"conf": "tests.security.one_process_conf", "app": "tests.security.mortal_server:app"}
    with serve(short_tmp / "mortal", redis_url, **modules) as running:
        yield running


def begin(server: WebServer, key: str, length: int = MIB, path: str = BATCHES) -> socket.socket:
    """A connection on which the head of an upload was sent, and the first bytes of its body."""
    connection = socket.create_connection(("127.0.0.1", server.settings.port), timeout=20)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    )
    connection.sendall(head.encode())
    return connection


def trickle_until_answered(connection: socket.socket) -> bytes:
    """Send a few bytes now and then until the server hangs up. Returns what it said."""
    connection.settimeout(PAUSE_SECONDS)
    said = b""
    while True:
        try:
            if not (data := connection.recv(65536)):
                return said
            said += data
        except TimeoutError:
            if not said:
                with suppress(ConnectionError):  # it hung up just now; the next recv tells
                    connection.sendall(PIECE)
        except ConnectionResetError:  # it hung up before it had read our last bytes
            return said


def sent(photos: int) -> dict[str, Any]:
    """A batch of so many photos, for httpx."""
    return {"files": [("photo", (f"{seed}.jpg", picture(seed), "image/jpeg")) for seed in range(photos)]}


def code_of(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.json().get("code", "")


def test_an_upload_that_trickles_is_given_up_and_its_place_is_free_again(impatient: WebServer) -> None:
    with impatient.client() as client, closing(begin(impatient, client.headers["Authorization"][7:])) as slow:
        answer = trickle_until_answered(slow)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 "), body
        assert json.loads(body)["code"] == "request_too_slow"
        assert impatient.rows() == NONE
        assert not impatient.files()
        assert code_of(client.post(BATCHES, data={"x": "y"})) == (400, "file_missing")


def test_headers_that_trickle_are_given_up(impatient: WebServer) -> None:
    with closing(socket.create_connection(("127.0.0.1", impatient.settings.port), timeout=20)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        assert trickle_until_answered(slow) == b""


@contextmanager
def refused_meanwhile(server: WebServer, key: str, client: httpx.Client) -> Iterator[httpx.Response]:
    """While a batch of this person is being taken in: the refusal of the next one."""
    deadline = time.monotonic() + REFUSED_SECONDS
    while time.monotonic() < deadline:
        with closing(begin(server, key)) as slow:
            # No event tells that the first batch has begun; a refusal of the second does. It may as well be
            # the first that is refused: that one has its answer then, and is begun anew.
            while not select.select([slow], [], [], PAUSE_SECONDS)[0]:
                answer = client.post(BATCHES, data={"x": "y"})
                if answer.status_code != 400:
                    yield answer
                    return
    pytest.fail(f"Nothing was refused within {REFUSED_SECONDS} s.")


def test_one_person_holds_one_place_for_batches_and_large_forms_and_others_have_theirs(
    server: WebServer,
) -> None:
    key = add_key(server.database, server.seller, "classify", "read")
    other = add_user(server.database, "Kim")
    headers = {"Authorization": f"Bearer {key}"}
    with (
        httpx.Client(base_url=server.url, headers=headers, timeout=60) as mine,
        server.client(other) as theirs,
        refused_meanwhile(server, key, mine) as refusal,
    ):
        assert code_of(refusal) == (429, "busy")
        assert int(refusal.headers["Retry-After"]) > 0
        assert mine.get("/api/v1/jobs").status_code == 200
        assert code_of(theirs.post(BATCHES, data={"x": "y"})) == (400, "file_missing")


def test_a_stranger_cannot_make_the_server_read_much(server: WebServer) -> None:
    form = {"name": "Nobody", "password": "x" * 200_000}
    headers = {"Accept": "application/json"}
    answer = httpx.post(f"{server.url}/sign-in", data=form, headers=headers, timeout=60)
    assert code_of(answer) == (413, "payload_too_large")


def test_a_process_that_dies_within_a_batch_leaves_only_orphans_and_the_batch_can_be_sent_again(
    server: WebServer,
) -> None:
    before, blobs = server.rows(), BlobStore(server.settings.blob_url)
    (server.settings.data_dir / ORDER).touch()
    with server.client() as client:
        with pytest.raises(httpx.TransportError):
            client.post(BATCHES, **sent(6), headers={"Idempotency-Key": "dies"})
        assert server.rows() == before
        orphans = server.files()
        # A picture that another thread was storing at that moment has its final name and "#1".
        assert {Path(path.name.partition("#")[0]).suffix for path in orphans} == {".jpg"}
        for path in orphans:
            aged = path.stat().st_mtime - 2 * KEPT_FOR.total_seconds()
            os.utime(path, (aged, aged))
        assert sweep_blobs(server.database, blobs) == len(orphans)
        assert not server.files()

        first, again = (
            client.post(BATCHES, **sent(6), headers={"Idempotency-Key": "dies"}) for _ in range(2)
        )
    assert first.status_code == again.status_code == 202, first.text
    assert first.json()["batch"]["id"] == again.json()["batch"]["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert server.rows()["photo"] == before["photo"] + 6
    assert len(server.files()) == 12  # pixels and thumbnails


@pytest.mark.parametrize(
    ("path", "kind", "length", "body"),
    [
        ("/api/v1/listings", "application/json", "Transfer-Encoding: chunked", b"ZZ\r\n{}\r\n0\r\n\r\n"),
        ("/api/v1/listings", "application/json", "Transfer-Encoding: chunked", b"2\r\n{}"),
        (BATCHES, "multipart/form-data; boundary=b", "Transfer-Encoding: chunked", b"3\r\n--b\r\nZZ\r\n"),
        ("/api/v1/datasets/examples", "text/csv", "Content-Length: 500", b"photo,label\n"),
    ],
)
def test_a_body_that_breaks_off_or_breaks_its_frame_is_refused(
    server: WebServer, path: str, kind: str, length: str, body: bytes
) -> None:
    key = add_key(server.database, server.admin, "classify", "train")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {kind}\r\n{length}\r\nConnection: close\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", server.settings.port), timeout=20)) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head_of_answer, _, document = answer.partition(b"\r\n\r\n")
    assert head_of_answer.startswith(b"HTTP/1.1 400 "), answer
    assert json.loads(document)["status"] == 400
