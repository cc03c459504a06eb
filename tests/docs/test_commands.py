"""The docs say what works: marked commands are run, and each named `hangtag` command and option exists."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from tests.archives import archive
from tests.factories import picture
from tests.live_system import LiveSystem

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
RUN_BLOCK = re.compile(r"^```sh run\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# In a fence a command begins a line or a substitution; in running text it is a span of code.
IN_FENCE = re.compile(r"(?:^|\$\(|^\$ )(?:\.venv/bin/)?hangtag +([^\n#|)]+)", re.MULTILINE)
VARIABLE = re.compile(r"\$\{?([A-Z][A-Z_]*)")
# Every shell has these.
OF_THE_SHELL = ("HOME", "PATH", "PWD")
# Where `make run` serves when nothing is set.
USUAL_ADDRESS = "http://localhost:8000"
IN_SPAN = re.compile(r"`(?:\.venv/bin/)?hangtag +([^`]+)`")


def marked(page: Path) -> str:
    """The commands of a page that are to be run, in order, as one script."""
    return "".join(RUN_BLOCK.findall(page.read_text()))


def named(page: Path) -> Iterator[str]:
    """What stands behind each `hangtag` of a page."""
    text = page.read_text()
    for block in FENCE.findall(text):
        yield from IN_FENCE.findall(block)
    yield from IN_SPAN.findall(FENCE.sub("", text))


def options_of(command: Any) -> set[str]:
    """All names of a command's options."""
    parameters = command.get_params(typer.Context(command))
    return {name for one in parameters for name in (*one.opts, *one.secondary_opts)}


def complaint(text: str) -> str | None:
    """What is wrong with a command as it is written; None when nothing is."""
    command: Any = get_command(app)
    before = ""
    for word in text.split():
        name = word.partition("=")[0]
        group = isinstance(command, TyperGroup)
        if word.startswith("--"):
            if name not in options_of(command):
                return f"hangtag {text}: no option {name}"
        elif group and word in command.list_commands(typer.Context(command)):
            _, command, _ = command.resolve_command(typer.Context(command), [word])
        elif group and not before.startswith("--"):  # else it is the value of an option
            return f"hangtag {text}: no command {word}"
        before = word
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_a_page_names_exists(page: Path) -> None:
    assert [found for text in named(page) if (found := complaint(text))] == []


def test_a_wrong_command_or_option_would_be_noticed() -> None:
    assert complaint("jobs release ID --json") is None
    assert complaint("jobs relaese ID") is not None
    assert complaint("train --presett quick") is not None


def never_set(text: str) -> list[str]:
    """The variables that the blocks of a page use without anything before them on the page that sets them."""
    uses = (
        (block.start() + use.start(), use[1])
        for block in FENCE.finditer(text)
        for use in VARIABLE.finditer(block[0])
    )
    return [name for place, name in uses if name not in OF_THE_SHELL and f"{name}=" not in text[:place]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_of_a_page_is_set_before_it_is_used(page: Path) -> None:
    assert never_set(page.read_text()) == []


def test_a_variable_that_is_never_set_would_be_noticed() -> None:
    assert never_set('```\nJOB=1\necho "$JOB"\n```') == []
    assert never_set('```\necho "$JOB"\nJOB=1\n```') == ["JOB"]


PAGES_TO_RUN = [page for page in PAGES if marked(page)]


@pytest.mark.parametrize("page", PAGES_TO_RUN, ids=lambda page: page.name)
def test_the_commands_of_a_page_run_as_they_stand(
    page: Path, live_system: LiveSystem, tmp_path: Path
) -> None:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "shirt.jpg").write_bytes(picture(1))
    (tmp_path / "photos.zip").write_bytes(archive({"shirt.jpg": picture(2)}))
    (tmp_path / "README.md").write_text("no photo")
    env = {**os.environ, **live_system.env, "HANGTAG_URL": live_system.url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", marked(page).replace(USUAL_ADDRESS, live_system.url)],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
