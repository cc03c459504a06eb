"""A shell completes the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
# What a shell does when somebody presses Tab behind these words.
PRESS_TAB = """
source <("$HANGTAG_BIN" completion bash)
COMP_WORDS=("$HANGTAG_BIN" "$@"); COMP_CWORD=$#
_hangtag_completion "$HANGTAG_BIN"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The command as it lies on somebody's PATH."""
    path = tmp_path / "hangtag"
    path.write_text(f"#!{sys.executable}\nfrom cli.main import app\napp(prog_name='hangtag')\n")
    path.chmod(0o755)
    return path


def completed(program: Path, *words: str) -> list[str]:
    """What bash offers."""
    env = {**os.environ, "HANGTAG_BIN": str(program), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", PRESS_TAB, "bash", *words], env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_and_values(program: Path) -> None:
    assert completed(program, "ro") == ["rollback"]
    assert completed(program, "jobs", "rel") == ["release"]
    assert completed(program, "train", "--pres") == ["--preset"]
    assert completed(program, "jobs", "--state", "quar") == ["quarantined"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(command: Command, shell: str) -> None:
    script = command("completion", shell).stdout
    assert "_HANGTAG_COMPLETE" in script
    assert shell in script
