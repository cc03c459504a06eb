"""`hangtag run`: everything in one process tree, until told to stop."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False)


@app.command()
def run() -> None:
    """Start everything and serve until Ctrl-C."""
    from cli.start.serving import serve  # noqa: PLC0415 - so that --help and completion stay fast

    serve()
