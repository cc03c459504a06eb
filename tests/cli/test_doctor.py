"""`hangtag doctor` finds what is missing, says what to do, and leaves no trace."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from cli.alive import is_alive
from cli.outcome import Status
from shared.clock import utc_now
from shared.database import Database
from shared.settings import Settings
from shared.tables import WorkerHeartbeat
from tests.cli.conftest import Command


def _levels(command: Command) -> dict[str, str]:
    return {row["name"]: row["level"] for row in json.loads(command("doctor", "--json").stdout)}


def _add_heartbeat(
    database: Database,
    name: str,
    age: timedelta = timedelta(),
    note: str = "OpenVINO serves on the CPU.",
) -> None:
    now = utc_now()
    with database.write() as session:
        session.add(
            WorkerHeartbeat(
                name=name,
                kind=name.partition("@")[0],
                engine="openvino",
                device="CPU",
                note=note,
                resident_bytes=100_000_000,
                started_at=now - age,
                seen_at=now - age,
            )
        )


def test_before_the_first_start_the_missing_database_is_bad(command: Command, data_dir: Path) -> None:
    result = command("doctor")
    assert result.exit_code == 1
    assert "hangtag run" in result.stdout
    assert "Traceback" not in result.output


def test_a_wrong_setting_is_the_only_finding(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGTAG_PORT", "eighty")
    result = command("doctor")
    assert result.exit_code == Status.WRONG_CALL
    assert "HANGTAG_PORT" in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_what_is_there_is_ok_and_what_is_missing_is_not(
    command: Command, started: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGTAG_REDIS_URL", started.redis_url or "")
    # Redis is not gone because the machine stands still for some seconds.
    monkeypatch.setattr("cli.doctor.services.PING_SECONDS", 30.0)
    levels = _levels(command)
    assert {levels[name] for name in ("settings", "python", "redis", "database", "photo storage")} == {"ok"}
    assert levels["champion"] == "bad"
    assert levels["workers"] == "warn"


@pytest.mark.usefixtures("started")
def test_a_redis_that_does_not_answer_is_bad(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGTAG_REDIS_URL", "redis+socket:///no/such/redis.sock")
    assert _levels(command)["redis"] == "bad"


def test_a_missing_kind_of_worker_is_bad(command: Command, database: Database) -> None:
    _add_heartbeat(database, "predict@host:1")
    _add_heartbeat(database, "maintain@host:2")
    assert _levels(command)["workers"] == "bad"


def test_all_kinds_of_workers_are_ok(command: Command, database: Database) -> None:
    for name in ("predict@host:1", "train@host:2", "maintain@host:3"):
        _add_heartbeat(database, name)
    assert _levels(command)["workers"] == "ok"


def test_what_a_worker_says_is_told_when_nothing_said_it_before(
    command: Command, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    said = "CUDA_VISIBLE_DEVICES hides all GPUs. OpenVINO serves on the CPU."
    for name, note in (
        ("predict@host:1", said),
        ("predict@host:2", "OpenVINO was refused, so Keras serves on the CPU."),
        ("train@host:3", said),
        ("maintain@host:4", said),
    ):
        _add_heartbeat(database, name, note=note)
    printed = command("doctor").stdout
    assert printed.count("hides all GPUs") == 1
    assert "OpenVINO was refused" in printed


def test_production_without_a_secret_key_is_bad(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGTAG_ENV", "production")
    monkeypatch.setenv("HANGTAG_TRUSTED_HOSTS", "shop.example")
    assert _levels(command)["settings"] == "bad"


def test_a_worker_is_alive_while_it_is_heard_of(started: Settings, database: Database) -> None:
    _add_heartbeat(database, "predict@here:1")
    _add_heartbeat(database, "train@here:2", age=timedelta(minutes=5))
    assert is_alive(started, "predict", "here")
    assert not is_alive(started, "train", "here"), "silent for too long"
    assert not is_alive(started, "predict", "elsewhere"), "another machine's worker says nothing about ours"


def test_migrate_brings_an_empty_folder_to_the_newest_tables(command: Command) -> None:
    assert command("migrate").exit_code == 0
    assert _levels(command)["database"] == "ok"
