"""`hangtag why`: where in a photo its category came from."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.server import connect
from cli.terminal import out, print_json

app = typer.Typer(add_completion=False)
# From a place of the photo that gave nothing to one that gave most; twice each, since letters are narrow.
SHADES = " ░▒▓█"
HIGHEST = 255


@app.command()
def why(
    job_id: Annotated[str, typer.Argument(help="The id of the photo's job.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show where in a photo its category came from."""
    with connect() as client:
        found = client.why(job_id)
    if as_json:
        print_json(found.as_json())
        return
    for row in found.map.values:
        out.print("".join(2 * _shade(value) for value in row))
    out.print(f"What speaks for {found.category} is {found.where}.")


def _shade(value: int) -> str:
    return SHADES[round(value / HIGHEST * (len(SHADES) - 1))]
