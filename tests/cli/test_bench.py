"""`hangtag bench`: the champion's engine, measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_system import prepare_system


def bench(env: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", "bench", *options]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def prepared(short_tmp: Path, built_engines: Path) -> dict[str, str]:
    """The environment of a Hangtag with a champion and its engine; nothing runs."""
    return prepare_system(short_tmp / "bench", engines=built_engines).env


def test_the_engine_that_serves_is_measured(prepared: dict[str, str]) -> None:
    done = bench(prepared, "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["engine"], row["version"], row["serves"]) == ("openvino", 1, True)
    assert row["photos_per_second"] > 0
    assert row["alone_ms"] > 0


def test_measured_engines_are_a_table(prepared: dict[str, str]) -> None:
    lines = bench(prepared).stdout.splitlines()
    assert lines[0].split("  ")[0] == "engine"
    assert lines[1].split()[0] == "openvino"


def test_where_hangtag_was_never_started_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    done = bench({"HANGTAG_DATA_DIR": str(tmp_path)})
    assert done.returncode == 2
    assert "hangtag run" in done.stderr
