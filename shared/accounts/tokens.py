"""Random tokens, and what is kept of them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from shared.blobs import sha256
from shared.clock import utc_now

TOKEN_BYTES = 32
# A write per request would only say the same thing again.
USE_RESOLUTION = timedelta(minutes=1)


def new_token() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """What is stored of a token. A plain hash will do: nobody guesses 256 bits."""
    return sha256(token.encode())


def use_is_stale(used_at: datetime | None) -> bool:
    """Whether the last use on record is old enough to be worth a write."""
    return used_at is None or utc_now() - used_at > USE_RESOLUTION
