"""The Makefile explains itself, and set-up says what is wrong in a sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _make(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    mine = {**os.environ, **environment}
    # What a `make` around these tests hands down would change what this one prints.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        mine.pop(name, None)
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=mine, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_every_target() -> None:
    listed = _make().stdout
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in phony.split():
        assert f"make {target}" in listed


def test_making_a_starter_without_photos_says_how() -> None:
    done = _make("starter")
    assert done.returncode != 0
    assert "DATA=" in done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files of a fresh clone that set-up reads."""
    for name in ("Makefile", "pyproject.toml", "scripts", "requirements"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def test_a_machine_without_a_fitting_python_gets_one_sentence(checkout: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "make"):
        (programs / name).symlink_to(shutil.which(name) or "")
    old = programs / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # what every Python before 3.11 answers
    old.chmod(0o755)
    done = _make("run", folder=checkout, PATH=str(programs))
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr
