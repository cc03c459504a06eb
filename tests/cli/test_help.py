"""The list of commands is quick, and every command on it exists."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.main import get_command

from cli.main import Commands, app
from tests.cli.conftest import Command

HEAVY = ("httpx", "sqlalchemy", "celery", "pydantic", "numpy", "PIL", "tensorflow", "openvino", "alembic")


def subcommands(name: str) -> list[str]:
    """The commands below one of the table; none below most."""
    group: Any = get_command(app)
    _, command, _ = group.resolve_command(typer.Context(group), [name])
    return list(getattr(command, "commands", {}))


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from cli.main import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_commands_that_ask_the_server_load_no_database_and_no_pictures() -> None:
    local = ("user", "sign-in-link", "key", "audit", "migrate")  # these open the database anyway
    modules = [module.partition(":")[0] for name, (module, _) in Commands.table.items() if name not in local]
    code = (
        "import importlib, sys\n"
        f"for module in {modules!r}: importlib.import_module(module)\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"httpx", "pydantic"}


def test_help_lists_every_command_with_what_it_does(command: Command) -> None:
    listed = command("--help").stdout
    for name, (_, what_it_does) in Commands.table.items():
        assert name in listed
        assert what_it_does in listed
    assert "<bool>" not in listed


ALONE = [(name,) for name in Commands.table]
SUBCOMMANDS = [(name, sub) for name in Commands.table for sub in subcommands(name)]


@pytest.mark.parametrize("words", [*ALONE, *SUBCOMMANDS], ids=" ".join)
def test_a_command_explains_itself(command: Command, words: tuple[str, ...]) -> None:
    result = command(*words, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout
    for noise in ("<bool>", "range>", "<list[str]>", "--no-"):
        assert noise not in result.stdout


def test_an_unknown_command_is_a_wrong_call(command: Command) -> None:
    assert command("clasify").exit_code == 2


def test_the_version_is_printed(command: Command) -> None:
    assert command("--version").stdout.startswith("hangtag ")
