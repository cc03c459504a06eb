"""What commands look like on a terminal of 80 columns, by a real one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs.states import JobKind
from shared.settings import Settings
from tests.cli.conftest import Command
from tests.factories import add_champion, add_failures, add_job

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = 80
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])")
LONG = "A name that is a good deal longer than anybody would ever want to read in a table"


def on_a_terminal(settings: Settings, script: str, **environment: str) -> str:
    """What a terminal shows when a shell runs a script in which $HANGTAG is the command."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, COLUMNS, 0, 0))
    env = {**os.environ, "HANGTAG_DATA_DIR": str(settings.data_dir), "HANGTAG": f"{sys.executable} -m cli"}
    with subprocess.Popen(
        ["bash", "-c", script],
        cwd=ROOT,
        env={**env, "TERM": "xterm-256color", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that nobody writes to it any more
        return b""


@pytest.mark.usefixtures("server")
def test_tables_fit_80_columns_and_name_times_by_their_age(
    command: Command, started: Settings, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    add_failures(database, code="a_rather_long_error_code_for_a_table")
    add_job(database, JobKind.TRAIN)
    command("key", "create", "--name", LONG, "--scopes", "classify,read,train,admin")
    command("user", "add", LONG)
    script = "; ".join(
        f"$HANGTAG {words} 2> /dev/null"
        for words in ("jobs", "models", "key list", "user list", "audit list", "jobs queues")
    )
    lines = ESCAPE.sub("", on_a_terminal(started, script)).splitlines()
    assert [line for line in lines if cell_len(line.rstrip()) > COLUMNS] == []
    assert any("ago" in line and "classify" in line for line in lines)
    assert any("…" in line and "A name" in line for line in lines)
    assert LONG in command("user", "list").stdout, "into a pipe nothing is cut"


def test_colours_are_for_terminals_that_want_them(started: Settings) -> None:
    assert COLOUR.search(on_a_terminal(started, "$HANGTAG --help"))
    assert not COLOUR.search(on_a_terminal(started, "$HANGTAG --help; $HANGTAG doctor", NO_COLOR="1"))
    assert not COLOUR.search(on_a_terminal(started, "$HANGTAG --help | cat"))
