"""Every package that Hangtag asks for is explained, pinned and hashed."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9-]*)", re.MULTILINE)


def _asked_for() -> set[str]:
    return {name for path in REQUIREMENTS.glob("*.in") for name in NAME.findall(path.read_text())}


def test_every_direct_dependency_has_its_line() -> None:
    explained = (ROOT / "docs" / "dependencies.md").read_text()
    rows = [line.split("|")[1] for line in explained.splitlines() if line.startswith("| ")]
    names = {name for row in rows for name in re.findall(r"[a-z][a-z0-9-]*", re.sub(r"\[.*?\]", "", row))}
    assert _asked_for() <= names


def test_requirement_files_are_pinned_by_hash_and_name_no_index() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "check_requirements.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["base", "cpu", "gpu", "dev"])
def test_what_is_asked_for_is_locked(name: str) -> None:
    locked = set(
        re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", (REQUIREMENTS / f"{name}.txt").read_text(), re.MULTILINE)
    )
    asked = {found.lower() for found in NAME.findall((REQUIREMENTS / f"{name}.in").read_text())}
    assert asked <= locked


def test_what_is_asked_for_with_an_extra_is_locked_with_it() -> None:
    """Else pip looks for it once more, meets the newest release and refuses it for having no hash."""
    locked = dict(
        re.findall(r"^([a-z0-9-]+)(\[.*\])?==", (REQUIREMENTS / "dev.txt").read_text(), re.MULTILINE)
    )
    wanted = [
        (canonicalize_name(asked.name), extra)
        for package in distributions()
        if canonicalize_name(package.metadata["Name"]) in locked
        for asked in map(Requirement, package.requires or [])
        if asked.marker is None or asked.marker.evaluate({"extra": ""})
        for extra in asked.extras
    ]
    assert ("pydantic", "email") in wanted
    assert [(name, extra) for name, extra in wanted if extra not in locked[name]] == []
