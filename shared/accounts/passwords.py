"""Passwords: argon2id, a length that hurts guessers and not people, one answer and time for every refusal."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts import throttle
from shared.accounts.sessions import close_sessions
from shared.audit import Action
from shared.clock import utc_now
from shared.database import Database
from shared.errors import SignInRefusedError, ValidationError
from shared.limit_errors import RateLimitedError
from shared.tables import SignInLink, User

MIN_CHARACTERS = 12
# Hashing costs the same for every length up to here; longer ones would be work for whoever sends them.
MAX_BYTES = 512
# What has to be left when well-known words, one's own name and runs like "1234" are taken away.
MIN_OWN_CHARACTERS = 6
WELL_KNOWN = (
    "password",
    "passwort",
    "qwerty",
    "qwertz",
    "letmein",
    "welcome",
    "iloveyou",
    "admin",
    "hangtag",
)
RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm")
RUN_CHARACTERS = 4
# argon2-cffi's defaults are the low-memory profile of RFC 9106, section 4: argon2id, 64 MiB, 3 passes,
# 4 lanes. They are written into each hash, so that a later release's are taken on at the next sign-in.
HASHER = PasswordHasher()
# Each takes 64 MiB; more at once than this wait their turn.
HASHING = threading.BoundedSemaphore(2)


def check_new(password: str, name: str) -> None:
    """Refuse a password that is too short, too long or trivially weak.

    Raises:
        ValidationError: the message says what to do instead.
    """
    if len(password) < MIN_CHARACTERS:
        raise ValidationError(f"Use at least {MIN_CHARACTERS} characters. A few unrelated words do well.")
    if len(_bytes(password)) > MAX_BYTES:
        raise ValidationError(f"Use at most {MAX_BYTES} bytes, which is about as many letters.")
    if len(set(_own_part(password, name))) < MIN_OWN_CHARACTERS:
        raise ValidationError(
            "This password would be guessed quickly: too much of it is a well-known word, a run of keys, "
            "your name or one character over and over. A few unrelated words do well."
        )


def set_password(session: Session, user: User, hashed: str, *, by: str) -> None:
    """Keep a new password's hash. Every session and every unused link of this person ends."""
    user.password_hash, user.password_set_at = hashed, utc_now()
    close_sessions(session, user.id)
    session.execute(delete(SignInLink).where(SignInLink.user_id == user.id))
    audit.record(session, by, Action.PASSWORD_SET, user.name)


def hash_password(password: str) -> str:
    """The argon2id hash. Takes a good part of a second: never within a writing transaction."""
    with HASHING:
        return HASHER.hash(_bytes(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password. Takes the same time when there is none."""
    with HASHING:
        try:
            right = HASHER.verify(stored or _nobodys(), _bytes(password)[: MAX_BYTES + 1])
        except (VerificationError, InvalidHashError):
            return False
    return right and stored is not None


def authenticate(database: Database, name: str, password: str, address: str) -> User:
    """The person with this name and password.

    Raises:
        RateLimitedError: too many attempts under this name or from this address.
        SignInRefusedError: unknown name, wrong password, no password, or disabled: nobody learns which.
    """
    name = " ".join(name.split())
    wait = database.transact(lambda session: throttle.take(session, name, address))
    if wait:
        raise RateLimitedError("There were too many attempts to sign in. Please wait, or use a link.", wait)
    with database.read() as session:
        user = session.scalar(select(User).where(User.name == name))
    able = user is not None and user.disabled_at is None
    right = matches(user.password_hash if user and able else None, password)
    if user is None or not right:
        _note_refusal(database, user, address)
        raise SignInRefusedError
    _note_success(database, user, password, address)
    return user


def _note_refusal(database: Database, user: User | None, address: str) -> None:
    # A name that nobody has may well be a password in the wrong field, so it is not written down.
    subject = user.name if user else "nobody known"
    with database.write() as session:
        audit.record(session, subject, Action.SIGN_IN_REFUSED, subject, {"address": address})


def _note_success(database: Database, user: User, password: str, address: str) -> None:
    hashed = hash_password(password) if HASHER.check_needs_rehash(user.password_hash or "") else None
    with database.write() as session:
        throttle.forgive(session, user.name, address)
        if hashed is not None:
            session.get_one(User, user.id).password_hash = hashed


@cache
def _nobodys() -> str:
    return HASHER.hash(b"the password of nobody")


def _bytes(password: str) -> bytes:
    # The same letters can be typed as different characters (RFC 8265, section 4.2.1).
    return unicodedata.normalize("NFC", password).encode()


def _own_part(password: str, name: str) -> str:
    text = password.casefold()
    known = [*WELL_KNOWN, *name.casefold().split(), *_pieces()]
    for word in sorted((word for word in known if len(word) > 2), key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _pieces() -> list[str]:
    both = [*RUNS, *(run[::-1] for run in RUNS)]
    return [run[i : i + RUN_CHARACTERS] for run in both for i in range(len(run) - RUN_CHARACTERS + 1)]
