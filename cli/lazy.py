"""A command group that imports a command's module only when that command is run."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cli.outcome import tell
from shared.errors import HangtagError


class LazyGroup(TyperGroup):
    """Knows its commands by name, module and one line of help, so that `--help` stays fast."""

    table: dict[str, tuple[str, str]] = {}  # noqa: RUF012 - each group class has its own, set once

    def list_commands(self, _ctx: Any) -> list[str]:
        """The names, in the order of the table."""
        return list(self.table)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """A stand-in that is good enough for the list of commands."""
        if cmd_name not in self.table:
            return None
        return TyperCommand(name=cmd_name, help=self.table[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The real command, imported now."""
        name, found, rest = super().resolve_command(ctx, args)
        if name is None or found is None:
            return name, found, rest
        return name, _load(self.table[name][0]), rest

    def get_params(self, ctx: Any) -> list[Any]:
        """The options before the command."""
        return _told_apart(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:
        """Run a command and say in a sentence what Hangtag can explain."""
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()  # now, while a reader that has gone can still be dealt with
        except (HangtagError, OSError) as error:
            status = tell(error)
            _drop_what_cannot_be_written()
            raise typer.Exit(status) from error
        return done


def _drop_what_cannot_be_written() -> None:
    """Let the end of the process not try again to write into a closed pipe or onto a full disk."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _load(address: str) -> Any:
    module, _, name = address.partition(":")
    command: Any = get_command(getattr(importlib.import_module(module), name or "app"))
    for each in (command, *getattr(command, "commands", {}).values()):
        _told_apart(each.get_params(typer.Context(each)))
    return command


def _told_apart(parameters: list[Any]) -> list[Any]:
    """Options that take a value say so in the help; switches, behind which nothing is typed, do not."""
    for one in parameters:
        if getattr(one, "is_flag", False):
            one.metavar = ""
    return parameters
