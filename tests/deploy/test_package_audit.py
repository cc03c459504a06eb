"""`make audit` as CI runs it, with a pip-audit that says what a test wants to hear."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
HOLE = {
    "name": "pillow",
    "version": "12.0.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-112403"], "fix_versions": ["13.0.0"]}],
}
UNKNOWN = {"name": "redis", "skip_reason": "Dependency not found"}


def excuse(days: int, hole: str = "CVE-2026-112403", reason: str = "Not called.") -> str:
    """An excuse that holds for some more days."""
    until = datetime.now(UTC).date() + timedelta(days=days)
    return f'[[hole]]\nid = "{hole}"\nreason = "{reason}"\nuntil = {until}\n'


def audit(folder: Path, said: str, excused: str = "") -> subprocess.CompletedProcess[str]:
    """Run the audit; pip-audit says the same about each file."""
    (folder / "said").write_text(said)
    (folder / "excused.toml").write_text(excused)
    pip_audit = folder / "pip-audit"
    pip_audit.write_text(f"#!/bin/sh\ncat {folder}/said\necho 'no route to host' >&2\nexit 1\n")
    pip_audit.chmod(0o700)
    script = ROOT / "scripts" / "audit_packages.py"
    options: list[str | Path] = ["--pip-audit", pip_audit, "--excused", folder / "excused.toml"]
    return subprocess.run(
        [sys.executable, script, *options], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("packages", "excused", "ends_with", "words"),
    [
        ([CLEAN], None, 0, "No known holes"),
        ([CLEAN, HOLE], None, 1, "pillow 12.0.0: PYSEC-1, mended in 13.0.0"),
        ([CLEAN, HOLE], {"days": 1}, 0, "No known holes"),
        ([CLEAN, HOLE], {"days": 0}, 1, "PYSEC-1"),  # its day has come
        ([CLEAN, HOLE], {"days": 1, "hole": "CVE-1"}, 1, "PYSEC-1"),
        ([CLEAN, HOLE], {"days": 1, "reason": " "}, 1, "has no reason"),
        ([CLEAN, UNKNOWN], None, 0, "NOT CHECKED for known holes: 1 packages or files, among them redis."),
        ([HOLE, UNKNOWN], None, 1, "NOT CHECKED"),
    ],
)
def test_a_hole_fails_an_excused_one_does_not_and_silence_is_said_aloud(
    tmp_path: Path, packages: list[dict[str, Any]], excused: dict[str, Any] | None, ends_with: int, words: str
) -> None:
    until_then = excuse(**excused) if excused else ""  # only now: the day may have changed since collection
    done = audit(tmp_path, json.dumps({"dependencies": packages}), until_then)
    said = done.stdout + done.stderr
    assert (done.returncode, words in said) == (ends_with, True), said
    assert ("No known holes" in said) == (ends_with == 0 and UNKNOWN not in packages)


def test_a_service_that_cannot_be_reached_is_no_success(tmp_path: Path) -> None:
    done = audit(tmp_path, "")
    assert done.returncode == 0
    assert "NOT CHECKED" in done.stdout
    assert "no route to host" in done.stdout
    assert "No known holes" not in done.stdout
