"""`hangtag user` and `hangtag sign-in-link`: people and their way in."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cli.client import local_settings, server_address
from cli.local_database import local_database
from cli.terminal import err
from shared import accounts

app = typer.Typer(add_completion=False, no_args_is_help=True)
link_app = typer.Typer(add_completion=False)


@app.callback()
def user() -> None:
    """Add people."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The name they are shown with.")],
    role: Annotated[str, typer.Option(help="seller, reviewer or admin.")] = "seller",
) -> None:
    """Add somebody who may sign in."""
    with local_database(local_settings()) as database, database.write() as session:
        added = accounts.add_user(session, name, role)
    err.print(f"{added.name} is a {added.role} now. Their way in: hangtag sign-in-link {added.name!r}")


@link_app.command()
def sign_in_link(
    name: Annotated[
        str | None, typer.Argument(help="Whose link; the first administrator's if left out.")
    ] = None,
) -> None:
    """Print a link that signs one person in once, within a day."""
    settings = local_settings()
    with local_database(settings) as database, database.write() as session:
        person = accounts.find_user(session, name) if name else accounts.ensure_admin(session)
        token = accounts.create_sign_in_link(session, person.id)
    address = os.environ.get("HANGTAG_URL", "").strip().rstrip("/") or server_address(settings)
    print(f"{address}/sign-in/{token}")
