"""Idempotency keys: the same request sent again gets the first answer and does nothing else.

The answer is stored in the transaction that does the work, so there is no moment in which the work is done
and the answer is not known (compare the IETF draft "The Idempotency-Key HTTP Header Field").
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Text, cast, delete, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import insert_if_absent
from shared.errors import IdempotencyKeyError, IdempotencyKeyReusedError, PhotoDeletedError
from shared.tables import IdempotencyKey

# Clients that retry do so within minutes; a day leaves room for one that was switched off over night.
KEPT_FOR = timedelta(hours=24)
# What is kept of an answer that named a photo which was deleted since.
FORGOTTEN: Final[dict[str, Any]] = {}
KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,200}")


def check_key(key: str) -> None:
    """Refuse what cannot be a key.

    Raises:
        IdempotencyKeyError: it is empty, too long, or has other than visible ASCII characters.
    """
    if not KEY_PATTERN.fullmatch(key):
        raise IdempotencyKeyError


def recall(session: Session, owner_id: str, key: str, fingerprint: str) -> dict[str, Any] | None:
    """The first answer under this key, or None when the key is new.

    Raises:
        IdempotencyKeyReusedError: the key belongs to another request.
        PhotoDeletedError: the photo that the answer named was deleted.
    """
    row = session.get(IdempotencyKey, (owner_id, key), populate_existing=True)
    if row is None:
        return None
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReusedError
    if row.answer == FORGOTTEN:
        raise PhotoDeletedError("The photo of this request was deleted. Use a new key to send it anew.")
    return row.answer


def reserve(session: Session, owner_id: str, key: str, fingerprint: str) -> bool:
    """Take a key within the transaction that does the work. False: somebody has it already."""
    taken = insert_if_absent(
        session, IdempotencyKey, owner_id=owner_id, key=key, fingerprint=fingerprint, answer={}
    )
    return taken is not None


def remember(session: Session, owner_id: str, key: str, answer: dict[str, Any]) -> None:
    """Keep the answer of the work that was done under a reserved key."""
    row = session.get_one(IdempotencyKey, (owner_id, key))
    row.answer = answer


def forget_photo(session: Session, owner_id: str, photo_id: str) -> None:
    """Remove the answers that name a photo. Their keys stay: a late repeat must not bring the photo back."""
    names_it = cast(IdempotencyKey.answer, Text).contains(photo_id)
    theirs = (IdempotencyKey.owner_id == owner_id, names_it)
    session.execute(update(IdempotencyKey).where(*theirs).values(answer=FORGOTTEN))


def forget_all_of(session: Session, owner_id: str) -> None:
    """Remove all keys of somebody."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.owner_id == owner_id))


def forget_old(session: Session) -> None:
    """Remove keys nobody will send again."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < utc_now() - KEPT_FOR))
