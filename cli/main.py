"""The `hangtag` command."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Annotated

import typer

from cli.lazy import LazyGroup

if "_HANGTAG_COMPLETE" in os.environ:  # a shell asks what could come next
    from typer._completion_classes import completion_init

    completion_init()


class Commands(LazyGroup):
    """All commands: name -> module and what it does."""

    table = {  # noqa: RUF012 - see LazyGroup
        "run": ("cli.commands.run", "Start everything and serve until Ctrl-C."),
        "classify": ("cli.commands.classify", "Send photos to the running server and show their categories."),
        "overview": ("cli.commands.overview", "Show what needs you and what was done."),
        "batches": ("cli.commands.batches", "List what was sent many at once; show one."),
        "jobs": ("cli.commands.jobs", "List background jobs; show, retry or cancel them."),
        "why": ("cli.commands.why", "Show where in a photo its category came from."),
        "train": ("cli.commands.train", "Train a new model version."),
        "sweep": ("cli.commands.sweep", "Train many versions over a plan and keep the best."),
        "models": ("cli.commands.models", "List model versions; show, compare, try or export them."),
        "promote": ("cli.commands.promote", "Let a model version answer sellers."),
        "rollback": ("cli.commands.rollback", "Go back to the version that answered before."),
        "data": ("cli.commands.your_data", "Save or delete everything that is yours."),
        "dataset": ("cli.commands.dataset", "Import labelled photos; list dataset versions."),
        "key": ("cli.commands.keys", "Create, list and revoke API keys."),
        "user": ("cli.commands.people:app", "Add people, list them, give them roles, shut them out."),
        "sign-in-link": ("cli.commands.people:link_app", "Print a link that signs one person in once."),
        "audit": ("cli.commands.audit", "Show, export and check the audit log."),
        "migrate": ("cli.commands.migrate", "Bring the database to the tables of this release."),
        "completion": ("cli.commands.completion", "Print what makes your shell complete it."),
        "bench": ("cli.commands.bench", "Measure how fast this machine answers photos."),
        "doctor": ("cli.commands.doctor", "Check everything Hangtag needs and say what to do."),
    }


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Hangtag puts the right category on every listing photo.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"hangtag {version('hangtag')}")
        raise typer.Exit


@app.callback()
def hangtag(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Read what stands before the command."""
