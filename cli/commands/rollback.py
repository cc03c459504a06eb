"""`hangtag rollback`: the version that answered before answers again."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.client import connect
from cli.terminal import err, print_json
from shared.errors import NotFoundError

app = typer.Typer(add_completion=False)


@app.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")] = "Rolled back.",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Go back to the version that answered before."""
    with connect() as client:
        changes = client.get("/api/v1/aliases/champion/history")["changes"]
        if not changes or changes[0]["before"] is None:
            raise NotFoundError("There was no champion before this one, so there is nothing to go back to.")
        target = changes[0]["before"]
        version = client.put("/api/v1/aliases/champion", {"version": target, "reason": reason})
    if as_json:
        print_json(version)
    else:
        err.print(f"Version {version['number']} is the champion again, instead of {changes[0]['after']}.")
