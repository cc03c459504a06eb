"""The Python client against the real web server; a thread takes the part of the worker."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hangtag_client import Client
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import Job
from tests.cli.conftest import Finisher
from tests.factories import add_key
from tests.hangtag_client.gateway import Gateway, gateway
from tests.web_server import WebServer, serve

ANSWER = {
    "category": "hat",
    "confidence": 0.93,
    "decision": "suggest",
    "top": [{"category": "hat", "probability": 0.93}],
    "model_version": 3,
}


def _answer(session: Any, job: Job) -> None:
    store.succeed(session, job.id, job.attempt, {**ANSWER, "photo_id": job.photo_id})


@pytest.fixture(scope="session")
def server(short_tmp: Path, redis_url: str) -> Iterator[WebServer]:
    """A running server."""
    with serve(short_tmp / "client", redis_url) as running:
        yield running


@pytest.fixture(scope="session")
def key(server: WebServer) -> str:
    """A key that may do everything."""
    return add_key(server.database, server.admin, "classify", "read", "train", "admin")


@pytest.fixture
def hangtag(server: WebServer, key: str) -> Iterator[Client]:
    """A client of the server."""
    with Client(server.url, key) as client:
        yield client


@pytest.fixture
def worker(server: WebServer) -> Iterator[None]:
    """Somebody who answers photos."""
    with Finisher(server.database, JobKind.CLASSIFY, _answer).at_work():
        yield


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens, and nobody else can begin to meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def front(server: WebServer) -> Iterator[Gateway]:
    """A proxy before the server in which things go wrong."""
    with gateway(server.url) as running:
        yield running
