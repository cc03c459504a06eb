"""`hangtag overview`: the same figures on the command line."""

from __future__ import annotations

import json

import pytest

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.tables import WorkerHeartbeat
from tests.cli.conftest import Command
from tests.factories import add_answered, add_champion, add_failures

pytestmark = pytest.mark.usefixtures("patient_checks", "server")


@pytest.fixture
def patient_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is not gone because the machine stands still for a second."""
    monkeypatch.setattr("web.checks.BROKER_SECONDS", 30.0)


def test_it_shows_what_needs_somebody_and_fails_while_something_is_broken(
    command: Command, database: Database
) -> None:
    add_failures(database, 2)
    result = command("overview")
    assert result.exit_code == 1
    assert "No model version serves." in result.stdout
    assert "2 photos failed with blob_missing" in result.stdout


def test_it_shows_what_was_done_as_tables_and_as_json(
    command: Command, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    now = utc_now()
    with database.write() as session:
        for kind in ("predict", "maintain"):
            session.add(
                WorkerHeartbeat(
                    name=f"{kind}@a",
                    kind=kind,
                    engine="openvino",
                    resident_bytes=1,
                    started_at=now,
                    seen_at=now,
                )
            )
    for _ in range(3):
        add_answered(database, "hat", decision="ask")
    result = command("overview", "--window", "7d")
    assert result.exit_code == 0
    assert "All is well." in result.stdout
    assert "hat" in result.stdout
    found = json.loads(command("overview", "--window", "7d", "--json").stdout)
    assert found["done"]["total"]["answered"] == found["done"]["total"]["asked"] == 3
