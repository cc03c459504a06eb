"""Passwords: what is taken, what is kept, and that nobody learns why they were refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from shared import accounts, audit
from shared.accounts import passwords, throttle
from shared.audit import Action
from shared.clock import utc_now
from shared.database import Database
from shared.errors import SignInRefusedError, ValidationError
from shared.limit_errors import RateLimitedError
from shared.tables import SignInAttempt, SignInLink, User
from tests.factories import add_user

GOOD = "six unrelated words do well"
HERE = "203.0.113.7"


@pytest.fixture
def sam(database: Database) -> User:
    """Somebody with a password."""
    user = add_user(database, "Sam")
    set_password(database, user, GOOD)
    return user


def set_password(database: Database, user: User, password: str) -> None:
    hashed = passwords.hash_password(password)
    with database.write() as session:
        passwords.set_password(session, accounts.user_by_id(session, user.id), hashed, by=user.name)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "aaaaaaaaaaaaaaaa",
        "123456789012",
        "passwordpassword",
        "Password1234!",
        "qwertyuiopasdf",
        "samantha1234samantha",
        "abcdefghijklmnop",
        "hangtaghangtag99",
        "x" * 513,
    ],
)
def test_weak_and_endless_passwords_are_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        passwords.check_new(password, "Samantha")


@pytest.mark.parametrize(
    "password", [GOOD, "gT5#kw9!pLz2", "żółw i pies w łódce", "correcthorsebatterystaple"]
)
def test_good_passwords_are_taken(password: str) -> None:
    passwords.check_new(password, "Samantha")


def test_the_right_password_opens(database: Database, sam: User) -> None:
    assert passwords.authenticate(database, " Sam ", GOOD, HERE).id == sam.id


def test_of_a_password_only_an_argon2id_hash_is_kept(database: Database, sam: User) -> None:
    with database.read() as session:
        stored = session.get_one(User, sam.id).password_hash
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert GOOD not in stored


def test_every_refusal_is_the_same(database: Database, sam: User) -> None:
    add_user(database, "Nopass")
    gone = add_user(database, "Gone")
    set_password(database, gone, GOOD)
    with database.write() as session:
        accounts.disable(session, gone.id, by="Ada")
    said = set()
    for name, password in [("Sam", "wrong"), ("Nobody", GOOD), ("Nopass", GOOD), ("Gone", GOOD), ("Sam", "")]:
        with pytest.raises(SignInRefusedError) as refusal:
            passwords.authenticate(database, name, password, HERE)
        said.add((refusal.value.message, refusal.value.code, refusal.value.status))
    assert len(said) == 1


@pytest.mark.parametrize("name", ["Sam", "Nobody", "Nopass"])
def test_every_refusal_costs_one_hash(
    database: Database, sam: User, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user(database, "Nopass")
    looked_at: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the library's name
            looked_at.append(str(hash).rpartition("$")[0].rpartition("$")[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "HASHER", Counting())
    with pytest.raises(SignInRefusedError):
        passwords.authenticate(database, name, "wrong", HERE)
    assert looked_at == ["$argon2id$v=19$m=65536,t=3,p=4"]


def test_guessing_at_one_name_ends_and_the_right_password_waits_too(database: Database, sam: User) -> None:
    for _ in range(throttle.PER_NAME):
        with pytest.raises(SignInRefusedError):
            passwords.authenticate(database, "Sam", "wrong", HERE)
    with pytest.raises(RateLimitedError) as refusal:
        passwords.authenticate(database, "SAM ", GOOD, "198.51.100.1")
    assert 0 < refusal.value.retry_after <= throttle.WINDOW.total_seconds()


def test_guessing_at_many_names_from_one_address_ends(
    database: Database, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "PER_ADDRESS", 3)
    for number in range(3):
        with pytest.raises(SignInRefusedError):
            passwords.authenticate(database, f"Guess {number}", "wrong", HERE)
    with pytest.raises(RateLimitedError):
        passwords.authenticate(database, "Sam", GOOD, HERE)
    assert passwords.authenticate(database, "Sam", GOOD, "198.51.100.1").id == sam.id


def test_the_window_passes(database: Database, sam: User) -> None:
    for _ in range(throttle.PER_NAME):
        with pytest.raises(SignInRefusedError):
            passwords.authenticate(database, "Sam", "wrong", HERE)
    with database.write() as session:
        session.execute(update(SignInAttempt).values(window_ends_at=utc_now() - timedelta(seconds=1)))
    assert passwords.authenticate(database, "Sam", GOOD, HERE).id == sam.id


def test_signing_in_well_never_uses_the_attempts_up(database: Database, sam: User) -> None:
    for _ in range(throttle.PER_NAME + 2):
        passwords.authenticate(database, "Sam", GOOD, HERE)
    with database.read() as session:
        assert sum(session.scalars(select(SignInAttempt.count))) == 0


def test_neither_names_nor_addresses_are_kept_to_count_with(database: Database, sam: User) -> None:
    with pytest.raises(SignInRefusedError):
        passwords.authenticate(database, "my secret password", "wrong", HERE)
    with database.read() as session:
        kept = [*session.scalars(select(SignInAttempt.subject))]
        said = "".join(audit.as_line(event) for event in audit.everything(session))
    assert all(len(subject) == 64 for subject in kept)
    assert "my secret password" not in said


def test_refused_attempts_are_in_the_audit_log_with_where_they_came_from(
    database: Database, sam: User
) -> None:
    with pytest.raises(SignInRefusedError):
        passwords.authenticate(database, "Sam", "wrong", HERE)
    with database.read() as session:
        event = audit.latest(session, Action.SIGN_IN_REFUSED)
    assert event is not None
    assert (event.subject, event.details) == ("Sam", {"address": HERE})


def test_an_old_hash_is_made_anew_at_the_next_sign_in(database: Database, sam: User) -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    with database.write() as session:
        session.get_one(User, sam.id).password_hash = weaker
    passwords.authenticate(database, "Sam", GOOD, HERE)
    with database.read() as session:
        stored = session.get_one(User, sam.id).password_hash
    assert stored is not None
    assert not passwords.HASHER.check_needs_rehash(stored)
    assert passwords.matches(stored, GOOD)


def test_a_new_password_ends_every_session_and_unused_link(database: Database, sam: User) -> None:
    with database.write() as session:
        token = accounts.open_session(session, sam.id)
        accounts.create_sign_in_link(session, sam.id)
    set_password(database, sam, GOOD + "!")
    with database.read() as session:
        assert accounts.signed_in(session, token) is None
        assert session.scalars(select(SignInLink)).all() == []
