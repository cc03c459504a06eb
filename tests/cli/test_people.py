"""`hangtag user` and `hangtag audit`: the same powers as the pages, on the machine itself."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from shared.database import Database
from tests.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("started")


def test_people_are_added_listed_changed_and_shut_out(command: Command) -> None:
    assert command("user", "add", "Kim").exit_code == 0
    assert command("user", "role", "Kim", "reviewer").exit_code == 0
    assert command("user", "disable", "Kim").exit_code == 0
    rows = {row["name"]: row for row in json.loads(command("user", "list", "--json").stdout)}
    assert (rows["Kim"]["role"], rows["Kim"]["disabled"]) == ("reviewer", True)
    assert "Kim" in command("user", "list").stdout
    assert command("sign-in-link", "Kim").exit_code == 1
    assert command("user", "enable", "Kim").exit_code == 0
    assert command("sign-in-link", "Kim").exit_code == 0


def test_the_last_administrator_stays(command: Command) -> None:
    refused = command("user", "disable", "admin")
    assert refused.exit_code == 1
    assert "only administrator" in refused.stderr


def test_a_key_of_somebody_disabled_opens_nothing(command: Command, server: str) -> None:
    command("user", "add", "Kim")
    key = command("key", "create", "--name", "shop", "--scopes", "read", "--user", "Kim").stdout.strip()
    command("user", "disable", "Kim")
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.get(f"{server}/api/v1/jobs", headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == 401


def test_a_key_beyond_its_owners_role_is_refused(command: Command) -> None:
    command("user", "add", "Kim")
    refused = command("key", "create", "--name", "shop", "--scopes", "admin", "--user", "Kim")
    assert refused.exit_code == 2
    assert "never exceeds" in refused.stderr


def test_the_log_names_the_command_line_and_can_be_filtered(command: Command) -> None:
    command("user", "add", "Kim")
    rows = json.loads(command("audit", "list", "--action", "person_added", "--json").stdout)
    assert (rows[0]["actor"], rows[0]["subject"]) == ("command line", "Kim")
    assert "person_added" in command("audit", "list", "--actor", "command line").stdout


def test_the_export_is_the_whole_log_in_order(command: Command) -> None:
    command("user", "add", "Kim")
    events = [json.loads(line) for line in command("audit", "export").stdout.splitlines()]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert len(events) > 1


def test_verify_tells_a_whole_log_from_one_that_was_tampered_with(
    command: Command, database: Database
) -> None:
    command("user", "add", "Kim")
    whole = command("audit", "verify", "--json")
    assert whole.exit_code == 0
    last = json.loads(whole.stdout)["last_digest"]
    assert command("audit", "verify", "--expect", last).exit_code == 0
    assert command("audit", "verify", "--expect", "0" * 64).exit_code == 1
    with database.write() as session:
        session.execute(text("DROP TRIGGER audit_event_no_update"))
        session.execute(text("UPDATE audit_event SET actor = 'Eve' WHERE number = 2"))
    broken = command("audit", "verify")
    assert broken.exit_code == 1
    assert "broken at row 2" in broken.stderr


def test_a_secret_key_file_does_not_disturb_the_commands(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("k3" * 20)
    monkeypatch.setenv("HANGTAG_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert command("user", "list").exit_code == 0
