"""The Idempotency-Key header of creating requests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from shared import idempotency
from web.auth import identity
from web.services import services

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotency-Replayed": "true"}
# For the OpenAPI file.
PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key with the same request gets the first answer again, for 24 hours.",
    "schema": {"type": "string", "maxLength": 200},
}


def fingerprint(*parts: bytes) -> str:
    """A digest of what a request asks for, its path and `parts`, and not of how a client encoded it."""
    hasher = hashlib.sha256()
    for part in (request.method.encode(), request.path.encode(), *parts):
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.hexdigest()


def recall(parts: str) -> dict[str, Any] | None:
    """The first answer to this request, when it carries a key that was used for the same before.

    Raises:
        IdempotencyKeyError: the key cannot be one.
        IdempotencyKeyReusedError: the key belongs to another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    idempotency.check_key(key)
    with services().database.read() as session:
        return idempotency.recall(session, identity().user.id, key, parts)


def once(parts: str, work: Callable[[Session], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Do `work` in one writing transaction, or recall its first answer. The flag says that it was recalled.

    Raises:
        IdempotencyKeyReusedError: the key belongs to another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        with services().database.write() as session:
            return work(session), False
    owner_id = identity().user.id

    def keyed(session: Session) -> tuple[dict[str, Any], bool]:
        if not idempotency.reserve(session, owner_id, key, parts):
            return idempotency.recall(session, owner_id, key, parts) or {}, True
        answer = work(session)
        idempotency.remember(session, owner_id, key, answer)
        return answer, False

    # With a key it is safe to begin anew after a lost connection: if the commit did happen, it is recalled.
    return services().database.transact(keyed)
