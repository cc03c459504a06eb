"""`hangtag audit`: the audit log, on the machine that has the database."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.local import local_settings
from cli.local_database import local_database
from cli.outcome import Status
from cli.terminal import ago, err, print_json, print_table
from shared import audit
from shared.audit import Action, Filter

app = typer.Typer(add_completion=False, no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def audit_log() -> None:
    """Show, export and check the audit log."""


@app.command("list")
def list_events(
    action: Annotated[Action | None, typer.Option(help="Only acts of this kind.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this person did.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="NUMBER", help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List events, newest first."""
    with local_database(local_settings()) as database, database.read() as session:
        events = [
            audit.as_dict(event) for event in audit.page(session, Filter(action, actor), limit=limit).items
        ]
    if as_json:
        print_json(events)
        return
    print_table(
        ("number", "when", "actor", "action", "subject", "details"),
        (
            (
                *(event["number"], ago(event["created_at"]), event["actor"], event["action"]),
                *(event["subject"], _details(event["details"])),
            )
            for event in events
        ),
        cut=["actor", "subject", "details"],
        empty="No event is like this. Leave out a filter to see more.",
    )


@app.command()
def export() -> None:
    """Print the whole log, oldest first, one JSON object per line."""
    with local_database(local_settings()) as database:
        sys.stdout.writelines(audit.lines(database))


@app.command()
def verify(
    expect: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="A last digest noted earlier, which must be in the log still."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the whole chain. Ends with 1 and names the first row that does not fit."""
    with local_database(local_settings()) as database, database.read() as session:
        found = audit.verify(session, expect)
    if as_json:
        print_json(asdict(found))
    elif found.broken is None:
        err.print(f"{found.count:,} events, unbroken. The last digest is {found.last_digest}.")
    else:
        err.print(f"The log is broken at row {found.broken}: {found.reason}.")
    if found.broken is not None:
        raise typer.Exit(Status.FAILED)


def _details(details: dict[str, Any] | None) -> str | None:
    return json.dumps(details, ensure_ascii=False) if details else None
