"""`hangtag key`, `hangtag user` and `hangtag sign-in-link`: what they print opens the door."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Command


def _status(server: str, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{server}/api/v1/jobs", headers=headers, trust_env=False, timeout=60).status_code


def test_a_new_key_is_printed_alone_and_works(command: Command, server: str) -> None:
    result = command("key", "create", "--name", "shop", "--scopes", "classify,read")
    assert result.stdout.count("\n") == 1
    assert _status(server, result.stdout.strip()) == 200


def test_a_key_can_do_no_more_than_its_scopes(command: Command, server: str) -> None:
    key = command("key", "create", "--name", "shop", "--scopes", "classify").stdout.strip()
    assert _status(server, key) == 403


def test_a_revoked_key_opens_nothing(command: Command, server: str) -> None:
    key = command("key", "create", "--name", "shop", "--scopes", "read").stdout.strip()
    assert command("key", "revoke", key[:12]).exit_code == 0
    assert _status(server, key) == 401


@pytest.mark.usefixtures("started")
def test_the_list_never_shows_a_whole_key(command: Command) -> None:
    key = command("key", "create", "--name", "shop", "--scopes", "read").stdout.strip()
    for listed in (command("key", "list").stdout, command("key", "list", "--json").stdout):
        assert "shop" in listed
        assert key not in listed


@pytest.mark.usefixtures("started")
def test_a_scope_that_does_not_exist_is_refused(command: Command) -> None:
    result = command("key", "create", "--name", "shop", "--scopes", "read,everything")
    assert result.exit_code == 2
    assert "everything" in result.stderr
    assert result.stdout == ""


def test_keys_of_a_hangtag_that_never_ran_are_refused_in_a_sentence(command: Command, data_dir: Path) -> None:
    result = command("key", "list")
    assert result.exit_code == 2
    assert "hangtag run" in result.stderr
    assert not data_dir.exists()


def test_a_sign_in_link_of_somebody_added_leads_to_the_door(command: Command, server: str) -> None:
    assert command("user", "add", "Kim", "--role", "reviewer").exit_code == 0
    link = command("sign-in-link", "Kim").stdout.strip()
    assert link.startswith(f"{server}/sign-in/")
    page = httpx.get(link, headers={"Accept": "text/html"}, trust_env=False, timeout=60)
    assert page.status_code == 200


@pytest.mark.usefixtures("started")
def test_somebody_unknown_gets_no_link(command: Command) -> None:
    result = command("sign-in-link", "Nobody")
    assert result.exit_code == 1
    assert "Nobody" in result.stderr


@pytest.mark.usefixtures("started")
def test_the_machines_own_key_is_listed_as_such(command: Command) -> None:
    (row,) = json.loads(command("key", "list", "--json").stdout)
    assert row["name"] == "command line of this machine"
