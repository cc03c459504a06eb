"""API keys: random, shown once, never more than their owner's role, useless the moment they are revoked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts.people import MAX_NAME_CHARACTERS, user_by_id
from shared.accounts.roles import ROLE_SCOPES, SCOPES
from shared.accounts.tokens import digest, new_token
from shared.audit import Action
from shared.clock import rfc3339, utc_now
from shared.errors import NotFoundError, ValidationError
from shared.tables import ApiKey, User

KEY_PREFIX = "htk_"
SHOWN_CHARACTERS = 12  # enough to tell keys apart, too few to guess one
# Ten years: longer than any key should live, and no date that overflows.
MAX_DAYS = 3650


def create_key(
    session: Session,
    user_id: str,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    *,
    by: str = audit.SYSTEM,
) -> tuple[ApiKey, str]:
    """Make an API key. Its text is returned here and never again.

    Raises:
        ValidationError: a scope does not exist or is beyond the role, there is none, or the name is empty.
        NotFoundError: there is nobody with this id.
    """
    user = user_by_id(session, user_id)
    _check_scopes(user, scopes)
    if not 1 <= len(name.strip()) <= MAX_NAME_CHARACTERS:
        raise ValidationError(f"A key's name has 1 to {MAX_NAME_CHARACTERS} characters.")
    text = KEY_PREFIX + new_token()
    key = ApiKey(
        user_id=user_id,
        name=name.strip(),
        prefix=text[:SHOWN_CHARACTERS],
        digest=digest(text),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    said = {"owner": user.name, "scopes": key.scopes, "expires_at": rfc3339(expires_at)}
    audit.record(session, by, Action.KEY_MADE, key.prefix, said)
    return key, text


def key_owner(session: Session, text: str) -> tuple[ApiKey, User] | None:
    """The key and its owner, unless it is unknown, revoked or expired, or its owner disabled."""
    theirs = select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(ApiKey.digest == digest(text))
    found = session.execute(theirs).one_or_none()
    if found is None:
        return None
    key, user = found
    expired = key.expires_at is not None and key.expires_at <= utc_now()
    return None if expired or key.revoked_at is not None or user.disabled_at is not None else (key, user)


def note_use(session: Session, key_id: str) -> None:
    """Remember that a key was used just now."""
    session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=utc_now()))


def keys(session: Session) -> list[ApiKey]:
    """All keys, newest first."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc())))


def keys_of(session: Session, user_id: str) -> list[ApiKey]:
    """A person's keys, newest first."""
    query = select(ApiKey).where(ApiKey.user_id == user_id).order_by(ApiKey.created_at.desc())
    return list(session.scalars(query))


def revoke_key(session: Session, prefix: str, *, by: str = audit.SYSTEM) -> ApiKey:
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
    return _revoke(session, found[0], by)


def revoke_key_id(session: Session, key_id: str, owner_id: str | None, *, by: str) -> ApiKey:
    """Make a key useless at once. Asked again, nothing changes. `owner_id` limits it to one person's keys.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    key = session.get(ApiKey, key_id)
    if key is None or owner_id not in (None, key.user_id):
        raise NotFoundError("There is no key with this id.")
    return key if key.revoked_at is not None else _revoke(session, key, by)


def _revoke(session: Session, key: ApiKey, by: str) -> ApiKey:
    key.revoked_at = utc_now()
    audit.record(
        session, by, Action.KEY_REVOKED, key.prefix, {"owner": user_by_id(session, key.user_id).name}
    )
    return key


def _check_scopes(user: User, scopes: list[str]) -> None:
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        raise ValidationError(f"Name at least one scope out of {', '.join(SCOPES)}; {wrong} do not exist.")
    beyond = sorted(set(scopes) - ROLE_SCOPES[user.role])
    if beyond:
        raise ValidationError(
            f"{user.name} is a {user.role}, and a key never exceeds its owner's role. "
            f"Leave out: {', '.join(beyond)}."
        )
