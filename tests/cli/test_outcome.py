"""How commands end: the exit statuses of docs/command-line.md, and a sentence instead of a traceback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.outcome import Status
from shared import accounts
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.settings import Settings
from shared.tables import Job
from tests.cli.conftest import Command, Finisher
from tests.factories import picture

ROOT = Path(__file__).resolve().parents[2]
# One command of each kind that asks the server.
ASKING = (
    *(("models",), ("models", "show", "1"), ("jobs",), ("jobs", "show", "x"), ("jobs", "queues")),
    *(("jobs", "cancel", "x"), ("jobs", "retry", "x"), ("jobs", "failures"), ("batches",)),
    *(
        ("batches", "show", "x"),
        ("dataset", "list"),
        ("dataset", "show", "1"),
        ("dataset", "freeze"),
        ("train",),
    ),
    *(("sweep", "--preset", "rates"), ("sweep", "--show", "x"), ("promote", "1", "--reason", "Why not.")),
    *(("rollback",), ("data", "delete", "--yes")),
)


def ended(command: Command, words: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """How a command ended; it must have said a sentence and printed no result."""
    result = command(*words)
    assert " " in result.stderr.strip(), (words, result.output)
    assert (result.stdout, "Traceback" in result.stderr) == ("", False)
    return words, result.exit_code


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address where nobody listens, and nobody else can."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HANGTAG_URL", f"http://127.0.0.1:{probe.getsockname()[1]}")
        yield


@pytest.mark.usefixtures("started", "nobody")
def test_a_server_that_is_away_is_said_at_once_and_ends_with_3(command: Command) -> None:
    assert [ended(command, words) for words in ASKING] == [(words, Status.UNREACHABLE) for words in ASKING]


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("url", ["ftp://x", "x:8000", "http://", "http://x:many", "http://[::1"])
def test_an_address_that_cannot_be_one_is_a_wrong_setting(
    command: Command, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HANGTAG_URL", url)
    assert [ended(command, words) for words in ASKING] == [(words, Status.WRONG_CALL) for words in ASKING]
    assert command("jobs").stderr.startswith(f"HANGTAG_URL is '{url.rstrip('/')}'")


@contextmanager
def somebody_else(status: int) -> Iterator[str]:
    """A web server that is not Hangtag; the address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<h1>Welcome</h1>")

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


@pytest.mark.usefixtures("started")
def test_another_server_at_the_address_is_noticed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mine.zip"
    with somebody_else(200) as address:
        monkeypatch.setenv("HANGTAG_URL", address)
        for words in (("models",), ("jobs", "show", "x", "--watch"), ("data", "export", str(target))):
            assert ended(command, words) == (words, Status.UNREACHABLE)
            assert "is not Hangtag" in command(*words).stderr
    assert not target.exists()
    with somebody_else(404) as address:
        monkeypatch.setenv("HANGTAG_URL", address)
        assert "See that Hangtag runs at this address" in command("models").stderr


@pytest.mark.usefixtures("server")
def test_an_id_leads_nowhere_else(command: Command) -> None:
    for odd in ("../models", "..", "", "a/b", "?x=1", "%2e%2e", "ä"):
        assert ended(command, ("jobs", "show", odd)) == (("jobs", "show", odd), Status.FAILED)


@pytest.mark.usefixtures("server")
def test_a_wrong_or_expired_key_ends_with_4(
    command: Command, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        admin = accounts.ensure_admin(session)
        old = utc_now() - timedelta(days=1)
        _, expired = accounts.create_key(session, admin.id, "old", list(accounts.SCOPES), old)
    monkeypatch.setenv("HANGTAG_API_KEY", "htk_wrong")
    assert [ended(command, words) for words in ASKING] == [(words, Status.NOT_ALLOWED) for words in ASKING]
    monkeypatch.setenv("HANGTAG_API_KEY", expired)
    assert ended(command, ("jobs",)) == (("jobs",), Status.NOT_ALLOWED)
    assert "has expired or was revoked" in command("jobs").stderr


@pytest.mark.usefixtures("server")
def test_what_does_not_exist_is_refused_with_1(command: Command) -> None:
    unknown = [words for words in ASKING if words[-1] in ("x", "1", "Why not.")]
    assert [ended(command, words) for words in unknown] == [(words, Status.FAILED) for words in unknown]


def test_before_the_first_start_every_command_says_how_to_start(command: Command, data_dir: Path) -> None:
    local = (("key", "list"), ("user", "list"), ("audit", "list"), ("sign-in-link",))
    for words in (*ASKING, *local, ("models", "export", "1", str(data_dir))):
        assert ended(command, words) == (words, Status.WRONG_CALL)
        assert "hangtag run" in command(*words).stderr
    assert not data_dir.exists()


@pytest.mark.usefixtures("server")
def test_files_that_cannot_be_used_end_with_2(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words in (
        ("classify", str(tmp_path / "empty")),
        ("data", "export", str(tmp_path / "no" / "such" / "folder.zip")),
        ("data", "export", str(tmp_path / "empty" / ".." / "empty")),
    ):
        assert ended(command, words) == (words, Status.WRONG_CALL)


@pytest.mark.usefixtures("server")
def test_a_person_should_choose_is_a_status_of_its_own_when_asked_for(
    command: Command, database: Database, tmp_path: Path
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(picture(1))
    unsure = {"category": "hat", "confidence": 0.4, "decision": "ask", "top": [], "model_version": 3}

    def ask(session: Any, job: Job) -> None:
        store.succeed(session, job.id, job.attempt, {**unsure, "photo_id": job.photo_id})

    with Finisher(database, JobKind.CLASSIFY, ask).at_work():
        assert command("classify", str(photo)).exit_code == Status.DONE
        assert command("classify", "--exit-code", str(photo)).exit_code == Status.ASKS


def told_to_nobody(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command with an output whose reader has gone before it starts."""
    env = {**os.environ, "HANGTAG_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "cli", *words]
    reader, output = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(output)


def shell(script: str, settings: Settings) -> subprocess.CompletedProcess[str]:
    """Run a script in which $HANGTAG is the command."""
    env = {**os.environ, "HANGTAG_DATA_DIR": str(settings.data_dir), "HANGTAG": f"{sys.executable} -m cli"}
    return subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.usefixtures("server")
def test_a_reader_that_has_gone_and_a_full_disk_leave_no_traceback(started: Settings) -> None:
    gone = told_to_nobody(started, "jobs", "--json")
    assert (gone.returncode, gone.stderr) == (Status.READER_GONE, "")
    full = shell("$HANGTAG jobs --json > /dev/full", started)
    assert full.returncode == Status.FAILED
    assert full.stderr.startswith("There is no room left on the disk.")
    no_color = shell("TERM=xterm NO_COLOR=1 $HANGTAG jobs queues", started)
    assert "\x1b[3" not in no_color.stdout
