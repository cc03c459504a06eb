"""Links that sign one person in once: for the first administrator, for new people and for resets."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts.people import user_by_id
from shared.accounts.tokens import digest, new_token
from shared.audit import Action
from shared.clock import utc_now
from shared.errors import ConflictError, NotFoundError
from shared.tables import SignInLink, User

LINK_LIFETIME = timedelta(hours=24)


def create_sign_in_link(session: Session, user_id: str, *, by: str = audit.SYSTEM) -> str:
    """A token that signs this person in once within a day, at /sign-in/<token>.

    Raises:
        NotFoundError: there is nobody with this id.
        ConflictError: this person is disabled.
    """
    user = user_by_id(session, user_id)
    if user.disabled_at is not None:
        raise ConflictError(f"{user.name} is disabled. Enable this person first.")
    token = new_token()
    session.add(SignInLink(token_digest=digest(token), user_id=user_id, expires_at=utc_now() + LINK_LIFETIME))
    audit.record(session, by, Action.LINK_ISSUED, user.name)
    return token


def require_good_link(session: Session, token: str) -> None:
    """See that a link would sign somebody in, and leave it as it is: programs that preview links look, too.

    Raises:
        NotFoundError: unknown, used before, or expired.
    """
    _owner(session, session.scalar(select(SignInLink).where(*_is_good(token))))


def consume_sign_in_link(session: Session, token: str) -> User:
    """Use up a link: of two people with the same link, one gets in.

    Raises:
        NotFoundError: unknown, used before, or expired.
    """
    result = session.execute(update(SignInLink).where(*_is_good(token)).values(used_at=utc_now()))
    assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what an UPDATE returns
    return _owner(session, session.get(SignInLink, digest(token)) if result.rowcount else None)


def _is_good(token: str) -> tuple[ColumnElement[bool], ...]:
    """What holds for a link that was not used and has not expired."""
    return (
        SignInLink.token_digest == digest(token),
        SignInLink.used_at.is_(None),
        SignInLink.expires_at > utc_now(),
    )


def _owner(session: Session, link: SignInLink | None) -> User:
    user = session.get(User, link.user_id) if link else None
    if user is None or user.disabled_at is not None:
        raise NotFoundError(
            "This sign-in link was used before, or is older than a day. Please ask for a new one."
        )
    return user
