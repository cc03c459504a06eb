"""A real web server that strangers send things to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web_server import WebServer, serve


@pytest.fixture(scope="session")
def web_server(short_tmp: Path, redis_url: str) -> Iterator[WebServer]:
    """gunicorn on SQLite, shared by the tests of this folder."""
    with serve(short_tmp / "strangers", redis_url) as server:
        yield server
