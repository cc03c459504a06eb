"""Signed-in browsers. The cookie holds a random token whose SHA-256 is a row; deleting the row signs out."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shared.accounts import throttle
from shared.accounts.tokens import digest, new_token
from shared.clock import utc_now
from shared.errors import NotFoundError
from shared.tables import User, WebSession

SESSION_LIFETIME = timedelta(days=14)
# A seller who works daily stays signed in; a browser left alone over a day off does not.
IDLE_LIMIT = timedelta(hours=24)
# A reset link stands for the old password, but not for as long as its session may last.
RESET_WINDOW = timedelta(hours=1)
# Of the digest, enough to tell a person's sessions apart in an address.
HANDLE_CHARACTERS = 16


def open_session(session: Session, user_id: str, *, browser: str | None = None, by_link: bool = False) -> str:
    """Sign a browser in. Returns the token for its cookie. What has run out is tidied away meanwhile."""
    token = new_token()
    now = utc_now()
    session.execute(delete(WebSession).where(WebSession.expires_at < now))
    throttle.forget_old(session)
    session.add(
        WebSession(
            token_digest=digest(token),
            user_id=user_id,
            created_at=now,
            expires_at=now + SESSION_LIFETIME,
            last_seen_at=now,
            browser=browser,
            by_link=by_link,
        )
    )
    session.flush()
    return token


def signed_in(session: Session, token: str) -> tuple[WebSession, User] | None:
    """Whose browser holds this token, unless it ran out, was idle for too long or its owner is disabled."""
    row = session.get(WebSession, digest(token))
    if row is None or not alive(row):
        return None
    user = session.get(User, row.user_id)
    return (row, user) if user is not None and user.disabled_at is None else None


def alive(row: WebSession) -> bool:
    """Whether a session has neither run out nor been idle for too long."""
    now = utc_now()
    return row.expires_at > now and now - (row.last_seen_at or row.created_at) < IDLE_LIMIT


def may_reset(row: WebSession) -> bool:
    """Whether this browser may set a password without the old one: it came by a link a moment ago."""
    return bool(row.by_link) and utc_now() - row.created_at < RESET_WINDOW


def note_visit(session: Session, token_digest: str) -> None:
    """Remember that a browser was here just now."""
    session.execute(
        update(WebSession).where(WebSession.token_digest == token_digest).values(last_seen_at=utc_now())
    )


def sessions_of(session: Session, user_id: str) -> list[WebSession]:
    """The browsers a person is signed in with, the newest first."""
    rows = session.scalars(
        select(WebSession).where(WebSession.user_id == user_id).order_by(WebSession.created_at.desc())
    )
    return [row for row in rows if alive(row)]


def handle(row: WebSession) -> str:
    """By what a person's session is named in an address; it opens nothing."""
    return row.token_digest[:HANDLE_CHARACTERS]


def close_session(session: Session, token: str) -> None:
    """Sign a browser out, on our side."""
    session.execute(delete(WebSession).where(WebSession.token_digest == digest(token)))


def close_session_of(session: Session, user_id: str, name: str) -> None:
    """Sign out one of a person's browsers, named by its handle.

    Raises:
        NotFoundError: this person has no such session.
    """
    found = [row for row in sessions_of(session, user_id) if handle(row) == name]
    if not found:
        raise NotFoundError("This browser is not signed in any more.")
    for row in found:
        session.delete(row)


def close_sessions(session: Session, user_id: str) -> None:
    """Sign a person out everywhere."""
    session.execute(delete(WebSession).where(WebSession.user_id == user_id))
