"""`hangtag promote`: another version answers sellers from now on."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.server import connect
from cli.terminal import err, print_json

app = typer.Typer(add_completion=False)


@app.command()
def promote(
    number: Annotated[int, typer.Argument(help="The number of the version.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")],
    override: Annotated[
        bool, typer.Option("--override", help="Even if the gate refuses; the reason says why.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let a model version answer sellers."""
    with connect() as client:
        version = client.promote(number, reason, override=override)
    if as_json:
        print_json(version.as_json())
    elif not version.moved:
        err.print(f"Version {version.number} is the champion already.")
    else:
        err.print(f"Version {version.number} answers sellers now. The way back: hangtag rollback")
