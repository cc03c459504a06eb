"""People, sessions, keys and audit events as rows of tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from shared.accounts import sessions
from shared.audit import Action
from shared.clock import utc_now
from shared.tables import ApiKey, AuditEvent, User, WebSession
from web.pages.present.words import StateWord, sentence_case

ACTIVE = StateWord("Active", "check", "good")
DISABLED = StateWord("Disabled", "minus", "quiet")
REVOKED = StateWord("Revoked", "minus", "quiet")
EXPIRED = StateWord("Expired", "clock", "quiet")
# Longer details are for the export.
MAX_DETAIL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person."""

    id: str
    name: str
    role: str
    state: StateWord
    has_password: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One browser somebody is signed in with."""

    handle: str
    browser: str
    created_at: datetime
    seen_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key, without its secret part."""

    id: str
    name: str
    prefix: str
    owner: str
    scopes: str
    state: StateWord
    active: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One act of the audit log."""

    number: int
    when: datetime
    actor: str
    action: str
    subject: str
    details: str


def person_row(user: User) -> PersonRow:
    """A person as a row."""
    state = ACTIVE if user.disabled_at is None else DISABLED
    return PersonRow(user.id, user.name, user.role, state, user.password_hash is not None, user.created_at)


def session_row(row: WebSession, here: str) -> SessionRow:
    """A session as a row; `here` is the handle of the browser that asks."""
    handle = sessions.handle(row)
    seen_at = row.last_seen_at or row.created_at
    return SessionRow(handle, row.browser or "Unknown browser", row.created_at, seen_at, handle == here)


def key_row(key: ApiKey, owner: str) -> KeyRow:
    """A key as a row."""
    state = _key_state(key)
    return KeyRow(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        owner=owner,
        scopes=", ".join(key.scopes),
        state=state,
        active=state is ACTIVE,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )


def event_row(event: AuditEvent) -> EventRow:
    """An event as a row."""
    details = ", ".join(
        f"{sentence_case(name).lower()} {_said(value)}"
        for name, value in event.details.items()
        if value is not None
    )
    if len(details) > MAX_DETAIL_CHARACTERS:
        details = details[:MAX_DETAIL_CHARACTERS] + "…"
    return EventRow(
        number=event.number,
        when=event.created_at,
        actor=event.actor,
        action=action_word(event.action),
        subject=event.subject,
        details=details,
    )


def action_word(action: str | Action) -> str:
    """What an act is called on a page."""
    return sentence_case(str(action))


def _key_state(key: ApiKey) -> StateWord:
    if key.revoked_at is not None:
        return REVOKED
    return EXPIRED if key.expires_at is not None and key.expires_at <= utc_now() else ACTIVE


def _said(value: object) -> str:
    if isinstance(value, list):
        return " + ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
