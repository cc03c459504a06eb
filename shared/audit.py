"""The audit log: who did what to whom, appended in the transaction of the act, chained by digests.

Each row's digest is the SHA-256 over the digest of the row before and the row's own fields as canonical JSON,
so a row that was changed, removed or put in between breaks the chain from there on. What a chain cannot show
by itself is that its end was cut off: keep the last digest elsewhere, or the export, and compare (`verify`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.contextvars import get_contextvars

from shared.clock import utc_now
from shared.database import Database, take_turn
from shared.paging import Page, newest_first
from shared.tables import AuditEvent

# Acts of nobody in particular: of Hangtag itself at its start, and of its command line on this machine.
SYSTEM = "Hangtag"
COMMAND_LINE = "command line"
# What the first row is chained to.
BEGINNING = "0" * 64
# Everybody appends one after the other.
TURN = "audit log"
MAX_ACTOR_CHARACTERS = 120
MAX_SUBJECT_CHARACTERS = 200
# Rows held in memory at once while the whole log is read.
READ_BATCH = 500


class Action(StrEnum):
    """What can be recorded."""

    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    PASSWORD_SET = "password_set"  # noqa: S105 - the name of an act
    LINK_ISSUED = "link_issued"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    PERSON_ADDED = "person_added"
    ROLE_CHANGED = "role_changed"
    PERSON_DISABLED = "person_disabled"
    PERSON_ENABLED = "person_enabled"
    PROMOTED = "promoted"  # a version became champion
    ROLLED_BACK = "rolled_back"  # an older version became champion again
    DELETED = "deleted"
    EXPORTED = "exported"
    QUARANTINE_RELEASED = "quarantine_released"
    SETTINGS_CHANGED = "settings_changed"
    WEBHOOK_ADDED = "webhook_added"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_REMOVED = "webhook_removed"
    WEBHOOK_SECRET_MADE = "webhook_secret_made"  # noqa: S105 - the name of an act


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events to look at; None does not choose."""

    action: Action | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What looking through the chain found. `broken` is the number of the first row that does not fit."""

    count: int
    last_digest: str
    broken: int | None = None
    reason: str | None = None


def record(
    session: Session, actor: str, action: Action, subject: str, details: dict[str, Any] | None = None
) -> AuditEvent:
    """Append an act to the log, in the transaction that does it: both happen or neither.

    Call it last in that transaction: on PostgreSQL everybody else who appends waits for its end.
    Neither secrets nor pictures belong into `details`, and of people no more than the act needs to be
    understood.
    """
    take_turn(session, TURN)
    last = session.scalar(select(AuditEvent).order_by(AuditEvent.number.desc()).limit(1))
    event = AuditEvent(
        number=last.number + 1 if last else 1,
        created_at=utc_now(),
        actor=_plain(actor)[:MAX_ACTOR_CHARACTERS],
        action=Action(action).value,
        subject=_plain(subject)[:MAX_SUBJECT_CHARACTERS],
        details=json.loads(_canonical(details or {})),
        request_id=get_contextvars().get("request_id"),
    )
    event.digest = digest_of(event, last.digest if last else BEGINNING)
    session.add(event)
    session.flush()
    return event


def page(
    session: Session, chosen: Filter | None = None, cursor: int | None = None, limit: int = 50
) -> Page[AuditEvent, int]:
    """Events, newest first, from before the number `cursor`."""
    query = select(AuditEvent)
    chosen = chosen or Filter()
    if chosen.action is not None:
        query = query.where(AuditEvent.action == chosen.action.value)
    if chosen.actor is not None:
        query = query.where(AuditEvent.actor == chosen.actor)
    return newest_first(session, query, AuditEvent.number, cursor, limit)


def latest(session: Session, action: Action) -> AuditEvent | None:
    """The newest event of one kind."""
    items = page(session, Filter(action), limit=1).items
    return items[0] if items else None


def everything(session: Session) -> Iterator[AuditEvent]:
    """The whole log, oldest first, read piece by piece in one transaction."""
    return _pieces(lambda last: _after(session, last))


def lines(database: Database) -> Iterator[str]:
    """The whole log as JSON Lines, oldest first, in short transactions: whoever takes them may be slow."""

    def read(last: int) -> Sequence[AuditEvent]:
        with database.read() as session:
            return _after(session, last)

    return map(as_line, _pieces(read))


def _pieces(read: Callable[[int], Sequence[AuditEvent]]) -> Iterator[AuditEvent]:
    last = 0
    while True:
        found = read(last)
        yield from found
        if len(found) < READ_BATCH:
            return
        last = found[-1].number


def _after(session: Session, last: int) -> Sequence[AuditEvent]:
    query = select(AuditEvent).where(AuditEvent.number > last).order_by(AuditEvent.number)
    return session.scalars(query.limit(READ_BATCH)).all()


def verify(session: Session, expected: str | None = None) -> Verdict:
    """Look through the whole chain. `expected` is a digest noted earlier, which has to be in it still."""
    before, count, found = BEGINNING, 0, expected is None
    for event in everything(session):
        if event.number != count + 1:
            return Verdict(count, before, count + 1, f"row {count + 1} is missing")
        if event.digest != digest_of(event, before):
            return Verdict(
                count, before, event.number, "its digest does not fit its content and the row before"
            )
        before, count = event.digest, event.number
        found = found or before == expected
    if not found:
        return Verdict(
            count, before, count + 1, "no row has the expected digest, so rows are missing at the end"
        )
    return Verdict(count, before)


def digest_of(event: AuditEvent, previous: str) -> str:
    """The digest of a row: over that of the row before and the row's own fields."""
    fields = {name: value for name, value in as_dict(event).items() if name != "digest"}
    return hashlib.sha256(f"{previous}\n{_canonical(fields)}".encode()).hexdigest()


def as_dict(event: AuditEvent) -> dict[str, Any]:
    """A row as exports write it; an export can be checked with nothing but this and SHA-256."""
    return {
        "number": event.number,
        "created_at": event.created_at.isoformat(timespec="microseconds"),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "details": event.details,
        "request_id": event.request_id,
        "digest": event.digest,
    }


def as_line(event: AuditEvent) -> str:
    """A row as one line of JSON Lines."""
    return json.dumps(as_dict(event), ensure_ascii=False) + "\n"


def _canonical(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _plain(line: str) -> str:
    """Without control characters: PostgreSQL takes no NUL, and a log is read in terminals."""
    return "".join(character for character in line if character.isprintable())
