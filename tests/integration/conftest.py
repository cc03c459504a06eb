"""The whole system once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.live_system import LiveSystem, prepare_system


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def system(request: pytest.FixtureRequest, short_tmp: Path, built_engines: Path) -> Iterator[LiveSystem]:
    """A running Hangtag; tests add to it and leave it running."""
    if request.param == "sqlite":
        yield request.getfixturevalue("live_system")
        return
    server: str = request.getfixturevalue("postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE live")
    started = prepare_system(short_tmp / "live-pg", server.replace("/postgres?", "/live?"), built_engines)
    started.start()
    yield started
    assert started.stop() == 0
