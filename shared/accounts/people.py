"""People: added, given a role, disabled. Nobody is removed, because what they did stays theirs."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts.roles import ROLES
from shared.accounts.sessions import close_sessions
from shared.audit import Action
from shared.clock import utc_now
from shared.database import insert_if_absent
from shared.errors import ConflictError, NotFoundError, ValidationError
from shared.tables import SignInLink, User

# Of people, and of what keys are for.
MAX_NAME_CHARACTERS = 120
# They stand in the audit log for nobody in particular.
RESERVED_NAMES = (audit.SYSTEM.casefold(), audit.COMMAND_LINE.casefold())


def ensure_admin(session: Session) -> User:
    """The first administrator who is not disabled, made when there is none."""
    query = select(User).where(User.role == "admin", User.disabled_at.is_(None))
    admin = session.scalar(query.order_by(User.created_at).limit(1))
    return admin or add_user(session, "admin", "admin")


def add_user(session: Session, name: str, role: str, *, by: str = audit.SYSTEM) -> User:
    """Add a person.

    Raises:
        ValidationError: the role does not exist, or the name is empty, too long or reserved.
        ConflictError: the name is taken.
    """
    name = " ".join(name.split())
    _check_role(role)
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise ValidationError(f"A name has 1 to {MAX_NAME_CHARACTERS} characters that can be printed.")
    if name.casefold() in RESERVED_NAMES:
        raise ValidationError(f"{name!r} is how Hangtag calls itself; choose another name.")
    user = insert_if_absent(session, User, name=name, role=role)
    if user is None:
        raise ConflictError(f"There is already somebody called {name!r}.")
    audit.record(session, by, Action.PERSON_ADDED, name, {"role": role})
    return user


def people(session: Session) -> list[User]:
    """Everybody, by name."""
    return list(session.scalars(select(User).order_by(User.name)))


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
    found = session.scalars(select(User).where(User.id.in_(user_ids)))
    return {user.id: user.name for user in found}


def user_by_id(session: Session, user_id: str) -> User:
    """The person with this id.

    Raises:
        NotFoundError: there is none.
    """
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError("There is nobody with this id.")
    return user


def set_role(session: Session, user_id: str, role: str, *, by: str) -> User:
    """Give somebody another role. They have to sign in again; their keys can do what the new role may.

    Raises:
        NotFoundError: there is nobody with this id.
        ValidationError: the role does not exist.
        ConflictError: nobody would be left to run the place.
    """
    _check_role(role)
    user = user_by_id(session, user_id)
    before = user.role
    if role == before:
        return user
    _keep_an_admin(session, user)
    user.role = role
    close_sessions(session, user_id)
    audit.record(session, by, Action.ROLE_CHANGED, user.name, {"before": before, "after": role})
    return user


def disable(session: Session, user_id: str, *, by: str) -> User:
    """Shut somebody out at once: sessions and links end, keys open nothing. Their photos and jobs stay.

    Raises:
        NotFoundError: there is nobody with this id.
        ConflictError: nobody would be left to run the place.
    """
    user = user_by_id(session, user_id)
    if user.disabled_at is not None:
        return user
    _keep_an_admin(session, user)
    user.disabled_at = utc_now()
    close_sessions(session, user_id)
    session.execute(delete(SignInLink).where(SignInLink.user_id == user_id))
    audit.record(session, by, Action.PERSON_DISABLED, user.name)
    return user


def enable(session: Session, user_id: str, *, by: str) -> User:
    """Let somebody in again, with the password and the keys they had.

    Raises:
        NotFoundError: there is nobody with this id.
    """
    user = user_by_id(session, user_id)
    if user.disabled_at is not None:
        user.disabled_at = None
        audit.record(session, by, Action.PERSON_ENABLED, user.name)
    return user


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise ValidationError(f"{role!r} is not a role; use one of {', '.join(ROLES)}.")


def _keep_an_admin(session: Session, leaving: User) -> None:
    # Locked in one order, so that two administrators cannot remove each other at the same moment.
    admins = select(User).where(User.role == "admin", User.disabled_at.is_(None)).order_by(User.id)
    if {user.id for user in session.scalars(admins.with_for_update())} == {leaving.id}:
        raise ConflictError(
            f"{leaving.name} is the only administrator. Make somebody else an administrator first."
        )
