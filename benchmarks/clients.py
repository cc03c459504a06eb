"""Those who send photos to an installation over HTTP: people with keys of their own, and what they send."""

from __future__ import annotations

from pathlib import Path

import httpx

from cli.local import local_address
from shared import accounts
from shared.database import Database
from shared.settings import Settings

# No measured answer takes as long; what does shall end the run instead of hanging it.
TIMEOUT_SECONDS = 120


def photos_in(folder: Path, count: int) -> list[bytes]:
    """The first JPEG photos under a folder by their path, none twice: one that is known is answered at once.

    Raises:
        SystemExit: there are none.
    """
    found: dict[bytes, None] = {}
    for path in sorted(folder.rglob("*.jpg")):
        if len(found) == count:
            break
        found[path.read_bytes()] = None
    if not found:
        raise SystemExit(f"There is no *.jpg in {folder}. Name a folder of photos.")
    return list(found)


def headers_of_new_person(settings: Settings, name: str) -> dict[str, str]:
    """The headers of somebody who has never sent a photo, so that none is known already."""
    database = Database(settings.database_url)
    try:
        with database.write() as session:
            person = accounts.add_user(session, f"Bench {name}", "seller")
            key = accounts.create_key(session, person.id, name, ["classify", "read"])[1]
    finally:
        database.close()
    return {"Authorization": f"Bearer {key}"}


def client_of(settings: Settings, connections: int, **headers: str) -> httpx.Client:
    """A client for so many threads at once."""
    limits = httpx.Limits(
        max_connections=connections,
        max_keepalive_connections=connections,
        keepalive_expiry=2,  # gunicorn closes after five idle seconds; a request may not meet that moment
    )
    return httpx.Client(
        base_url=local_address(settings), headers=headers, limits=limits, timeout=TIMEOUT_SECONDS
    )


def send_photo(client: httpx.Client, photo: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    """Upload a photo.

    Raises:
        HTTPStatusError: it was refused.
    """
    files = {"photo": ("photo.jpg", photo)}
    return client.post("/api/v1/classifications", files=files, headers=headers).raise_for_status()


def lives(settings: Settings) -> bool:
    """Whether the web process answers."""
    try:
        return httpx.get(f"{local_address(settings)}/healthz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
