"""`hangtag jobs`: listing, queues, failures, and what is done about them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.outcome import Status
from shared.database import Database
from shared.jobs import failures, store
from shared.jobs.states import JobKind, JobState
from tests.cli.conftest import Command
from tests.factories import add_failures, add_job, picture

pytestmark = pytest.mark.usefixtures("server")


def printed(command: Command, *arguments: str) -> Any:
    result = command("jobs", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_jobs_are_filtered_by_error_and_by_what_became_of_them(command: Command, database: Database) -> None:
    (gone,) = add_failures(database)
    add_failures(database, code="storage_full")
    assert [job["id"] for job in printed(command, "--error", "blob_missing")] == [gone.id]
    command("jobs", "discard", gone.id)
    assert [job["id"] for job in printed(command, "--handled", "discarded")] == [gone.id]


def test_the_list_names_photos_and_the_kind_of_everything_else(
    command: Command, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "shirt.jpg").write_bytes(picture(1))
    command("classify", "--wait", "1", str(tmp_path / "shirt.jpg"))
    add_job(database, JobKind.TRAIN)
    assert [job.get("photo_name") for job in printed(command)] == [None, "shirt.jpg"]
    lines = command("jobs").stdout.splitlines()[1:]
    assert [line.split()[1] for line in lines] == ["train", "shirt.jpg"]
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", lines[0])


def test_failures_are_listed_by_cause(command: Command, database: Database) -> None:
    add_failures(database, 2)
    assert [group["count"] for group in printed(command, "failures")] == [2]
    assert "About blob_missing." in command("jobs", "failures").stdout


def test_a_group_is_retried_until_nothing_is_left(
    command: Command, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "BATCH", 2)
    monkeypatch.setattr(failures, "CALL_SECONDS", 0.0)
    add_failures(database, 5)
    result = command("jobs", "retry", "--kind", "classify", "--error", "blob_missing")
    assert "5 failures are queued again." in result.stderr
    assert len(printed(command, "--state", "queued")) == 5


def test_one_job_is_retried(command: Command, database: Database) -> None:
    (job,) = add_failures(database)
    assert printed(command, "retry", job.id)["state"] == "queued"


def test_a_group_is_discarded(command: Command, database: Database) -> None:
    add_failures(database, 3)
    assert printed(command, "discard", "--kind", "classify", "--error", "blob_missing") == {"count": 3}
    assert printed(command, "failures") == []


@pytest.mark.parametrize(
    "arguments",
    [(), ("--kind", "classify"), ("--error", "x"), ("an-id", "--kind", "classify", "--error", "x")],
)
@pytest.mark.parametrize("deed", ["retry", "discard"])
def test_it_has_to_be_said_which_failures(command: Command, deed: str, arguments: tuple[str, ...]) -> None:
    result = command("jobs", deed, *arguments)
    assert result.exit_code == 2
    assert "--kind" in result.stderr


def test_a_job_is_released_from_quarantine(command: Command, database: Database) -> None:
    (job,) = add_failures(database, state=JobState.QUARANTINED)
    assert "It is released" in command("jobs", "release", job.id).stderr
    with database.read() as session:
        again = store.find(session, store.find(session, job.id).retried_as or "")
    assert again.payload["released_by"] == "admin"


def test_what_is_not_in_quarantine_is_not_released(command: Command, database: Database) -> None:
    result = command("jobs", "release", add_job(database).id)
    assert result.exit_code == 1
    assert "not in quarantine" in result.stderr


def test_a_waiting_job_is_cancelled(command: Command, database: Database) -> None:
    assert printed(command, "cancel", add_job(database).id)["state"] == "cancelled"


def test_queues_tell_depth_and_age(command: Command, database: Database) -> None:
    add_job(database)
    waiting = {queue["kind"]: queue["waiting"] for queue in printed(command, "queues")["queues"]}
    assert waiting == {kind: int(kind is JobKind.CLASSIFY) for kind in JobKind}
    assert "oldest waits for" in command("jobs", "queues").stdout


def test_a_key_without_the_scope_is_refused_in_a_sentence(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = command("key", "create", "--name", "shop", "--scopes", "classify,read").stdout.strip()
    monkeypatch.setenv("HANGTAG_API_KEY", key)
    result = command("jobs", "failures")
    assert result.exit_code == Status.NOT_ALLOWED
    assert "HANGTAG_API_KEY" in result.stderr
