"""`hangtag user` and `hangtag sign-in-link`: people and their way in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.local import local_settings, server_address
from cli.local_database import local_database
from cli.terminal import ago, err, print_json, print_table
from shared import accounts
from shared.audit import COMMAND_LINE
from shared.clock import rfc3339

app = typer.Typer(add_completion=False, no_args_is_help=True)
link_app = typer.Typer(add_completion=False)


@app.callback()
def user() -> None:
    """Add people, list them, give them roles, shut them out."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The name they are shown with.")],
    role: Annotated[str, typer.Option(help="seller, reviewer or admin.")] = "seller",
) -> None:
    """Add somebody who may sign in."""
    with local_database(local_settings()) as database, database.write() as session:
        added = accounts.add_user(session, name, role, by=COMMAND_LINE)
    err.print(f"{added.name} is a {added.role} now. Their way in: hangtag sign-in-link {added.name!r}")


@app.command("list")
def list_people(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List everybody."""
    with local_database(local_settings()) as database, database.read() as session:
        rows: list[dict[str, Any]] = [
            {
                "id": person.id,
                "name": person.name,
                "role": person.role,
                "disabled": person.disabled_at is not None,
                "has_password": person.password_hash is not None,
                "created_at": rfc3339(person.created_at),
            }
            for person in accounts.people(session)
        ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("name", "role", "may sign in", "password", "added"),
        (
            (
                *(row["name"], row["role"], "no" if row["disabled"] else "yes"),
                *("yes" if row["has_password"] else "no", ago(row["created_at"])),
            )
            for row in rows
        ),
        cut=["name"],
        empty="There is nobody yet. Start Hangtag with 'hangtag run', or add somebody: hangtag user add NAME",
    )


@app.command()
def role(
    name: Annotated[str, typer.Argument(help="Whose role.")],
    new: Annotated[str, typer.Argument(metavar="ROLE", help="seller, reviewer or admin.")],
) -> None:
    """Give somebody another role; they have to sign in again."""
    with local_database(local_settings()) as database, database.write() as session:
        person = accounts.find_user(session, name)
        accounts.set_role(session, person.id, new, by=COMMAND_LINE)
    err.print(f"{person.name} is a {new} now.")


@app.command()
def disable(name: Annotated[str, typer.Argument(help="Who shall be shut out.")]) -> None:
    """Shut somebody out at once: sessions end, keys open nothing. Photos and jobs are kept."""
    with local_database(local_settings()) as database, database.write() as session:
        person = accounts.disable(session, accounts.find_user(session, name).id, by=COMMAND_LINE)
    err.print(f"{person.name} is signed out everywhere and cannot sign in.")


@app.command()
def enable(name: Annotated[str, typer.Argument(help="Who may sign in again.")]) -> None:
    """Let somebody in again."""
    with local_database(local_settings()) as database, database.write() as session:
        person = accounts.enable(session, accounts.find_user(session, name).id, by=COMMAND_LINE)
    err.print(f"{person.name} may sign in again.")


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
        token = accounts.create_sign_in_link(session, person.id, by=COMMAND_LINE)
    print(f"{server_address(settings)}/sign-in/{token}")
