"""People, one-time sign-in links, browser sessions and API keys. Of every secret only its SHA-256 is kept."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from shared.blobs import sha256
from shared.clock import utc_now
from shared.errors import ConflictError, NotFoundError, ValidationError
from shared.tables import ApiKey, SignInLink, User, WebSession

SCOPES = ("classify", "read", "train", "admin")
ROLES = ("seller", "reviewer", "admin")
KEY_PREFIX = "htk_"
SHOWN_CHARACTERS = 12  # enough to tell keys apart, too few to guess one
TOKEN_BYTES = 32
LINK_LIFETIME = timedelta(hours=24)
SESSION_LIFETIME = timedelta(days=14)
# A write per request would only say the same thing again.
LAST_USED_RESOLUTION = timedelta(minutes=1)


def ensure_admin(session: Session) -> User:
    """The first administrator, made when there is none."""
    admin = session.scalar(select(User).where(User.role == "admin").order_by(User.created_at).limit(1))
    return admin or add_user(session, "admin", "admin")


def add_user(session: Session, name: str, role: str) -> User:
    """Add a person.

    Raises:
        ValidationError: the role does not exist, or the name is empty or too long.
        ConflictError: the name is taken.
    """
    name = name.strip()
    if role not in ROLES:
        raise ValidationError(f"{role!r} is not a role; use one of {', '.join(ROLES)}.")
    if not 1 <= len(name) <= 120:
        raise ValidationError("A name has 1 to 120 characters.")
    if session.scalar(select(User).where(User.name == name)) is not None:
        raise ConflictError(f"There is already somebody called {name!r}.")
    user = User(name=name, role=role)
    session.add(user)
    session.flush()
    return user


def find_user(session: Session, name: str) -> User:
    """The person with this name.

    Raises:
        NotFoundError: there is none.
    """
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise NotFoundError(f"There is nobody called {name!r}.")
    return user


def names(session: Session, user_ids: Collection[str]) -> dict[str, str]:
    """The names of people, by id."""
    people = session.scalars(select(User).where(User.id.in_(user_ids)))
    return {user.id: user.name for user in people}


def create_sign_in_link(session: Session, user_id: str) -> str:
    """A token that signs this person in once within a day, at /sign-in/<token>."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        SignInLink(token_digest=_digest(token), user_id=user_id, expires_at=utc_now() + LINK_LIFETIME)
    )
    return token


def consume_sign_in_link(session: Session, token: str) -> User:
    """Use up a link: of two people with the same link, one gets in.

    Raises:
        NotFoundError: unknown, used before, or expired.
    """
    now = utc_now()
    result = session.execute(
        update(SignInLink)
        .where(
            SignInLink.token_digest == _digest(token),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now,
        )
        .values(used_at=now)
    )
    assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what an UPDATE returns
    link = session.get(SignInLink, _digest(token)) if result.rowcount else None
    user = session.get(User, link.user_id) if link else None
    if user is None:
        raise NotFoundError(
            "This sign-in link was used before, or is older than a day. Please ask for a new one."
        )
    return user


def open_session(session: Session, user_id: str) -> str:
    """Sign a browser in. Returns the token for its cookie."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = utc_now()
    session.execute(delete(WebSession).where(WebSession.expires_at < now))
    session.add(WebSession(token_digest=_digest(token), user_id=user_id, expires_at=now + SESSION_LIFETIME))
    return token


def session_user(session: Session, token: str) -> User | None:
    """Whose browser holds this token, if anybody's."""
    row = session.get(WebSession, _digest(token))
    if row is None or row.expires_at <= utc_now():
        return None
    return session.get(User, row.user_id)


def close_session(session: Session, token: str) -> None:
    """Sign a browser out, on our side."""
    session.execute(delete(WebSession).where(WebSession.token_digest == _digest(token)))


def create_key(
    session: Session, user_id: str, name: str, scopes: list[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make an API key. Its text is returned here and never again.

    Raises:
        ValidationError: a scope does not exist, there is none, or the name is empty.
    """
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        raise ValidationError(f"Name at least one scope out of {', '.join(SCOPES)}; {wrong} do not exist.")
    if not 1 <= len(name.strip()) <= 120:
        raise ValidationError("A key's name has 1 to 120 characters.")
    text = KEY_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    key = ApiKey(
        user_id=user_id,
        name=name.strip(),
        prefix=text[:SHOWN_CHARACTERS],
        digest=_digest(text),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return key, text


def key_owner(session: Session, text: str) -> tuple[ApiKey, User] | None:
    """The key and its owner, unless it is unknown, revoked or expired."""
    now = utc_now()
    key = session.scalar(select(ApiKey).where(ApiKey.digest == _digest(text)))
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    user = session.get(User, key.user_id)
    return (key, user) if user else None


def note_use(session: Session, key_id: str) -> None:
    """Remember that a key was used just now."""
    session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=utc_now()))


def use_is_stale(key: ApiKey) -> bool:
    """Whether the last use on record is old enough to be worth a write."""
    return key.last_used_at is None or utc_now() - key.last_used_at > LAST_USED_RESOLUTION


def keys(session: Session) -> list[ApiKey]:
    """All keys, newest first."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc())))


def revoke_key(session: Session, prefix: str) -> ApiKey:
    """Make the key that begins like this useless at once.

    Raises:
        NotFoundError: no active key, or more than one, begins like this.
    """
    found = session.scalars(
        select(ApiKey).where(ApiKey.prefix.startswith(prefix, autoescape=True), ApiKey.revoked_at.is_(None))
    ).all()
    if len(found) != 1:
        raise NotFoundError(
            f"{len(found)} active keys begin with {prefix!r}; give more of its first characters."
        )
    found[0].revoked_at = utc_now()
    return found[0]


def _digest(token: str) -> str:
    return sha256(token.encode())
