"""`hangtag key`: API keys. A new key is printed once, alone, so that a script can take it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import typer

from cli.local import local_settings
from cli.local_database import local_database
from cli.terminal import err, print_json, print_table
from shared import accounts
from shared.accounts.keys import MAX_DAYS
from shared.audit import COMMAND_LINE
from shared.clock import rfc3339, utc_now

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def key() -> None:
    """Create, list and revoke API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scopes: Annotated[str, typer.Option(help="classify, read, train, admin; separated by commas.")],
    user: Annotated[
        str | None, typer.Option(help="Whose key it is; the first administrator's if left out.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_DAYS, metavar="DAYS", help="Until it expires; never if left out."),
    ] = None,
) -> None:
    """Create a key and print it, and nothing else, once."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    expires_at = utc_now() + timedelta(days=days) if days else None
    with local_database(local_settings()) as database, database.write() as session:
        owner = accounts.find_user(session, user) if user else accounts.ensure_admin(session)
        _, text = accounts.create_key(session, owner.id, name, wanted, expires_at, by=COMMAND_LINE)
    print(text)


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the keys, without their secret part."""
    with local_database(local_settings()) as database, database.read() as session:
        names = {person.id: person.name for person in accounts.people(session)}
        rows: list[dict[str, Any]] = [
            {
                "id": row.id,
                "user_id": row.user_id,
                "owner": names[row.user_id],
                "name": row.name,
                "prefix": row.prefix,
                "scopes": row.scopes,
                "created_at": rfc3339(row.created_at),
                "expires_at": rfc3339(row.expires_at),
                "last_used_at": rfc3339(row.last_used_at),
                "revoked_at": rfc3339(row.revoked_at),
            }
            for row in accounts.keys(session)
        ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("prefix", "name", "owner", "scopes", "last used", "until"),
        (
            (
                row["prefix"],
                row["name"],
                row["owner"],
                ",".join(row["scopes"]),
                _day(row["last_used_at"]),
                _until(row),
            )
            for row in rows
        ),
        cut=["name", "owner", "scopes"],
        empty="There are no keys yet. Make one: hangtag key create --name NAME --scopes classify,read",
    )


@app.command()
def revoke(prefix: Annotated[str, typer.Argument(help="The first characters of the key.")]) -> None:
    """Make a key useless at once."""
    with local_database(local_settings()) as database, database.write() as session:
        revoked = accounts.revoke_key(session, prefix, by=COMMAND_LINE)
    err.print(f"The key {revoked.prefix}… ({revoked.name}) opens nothing any more.")


def _day(moment: str | None) -> str | None:
    return moment and moment[:10]


def _until(row: Mapping[str, Any]) -> str:
    if row["revoked_at"]:
        return "revoked"
    if row["expires_at"]:
        expired = row["expires_at"] < (rfc3339(utc_now()) or "")
        return "expired" if expired else row["expires_at"][:10]
    return "for ever"
