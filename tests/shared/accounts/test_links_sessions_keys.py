"""People, links, sessions and keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shared import accounts
from shared.clock import utc_now
from shared.database import Database
from shared.errors import ConflictError, NotFoundError, ValidationError
from shared.tables import ApiKey, SignInLink, WebSession
from tests.factories import add_user


def test_the_first_administrator_is_made_once(database: Database) -> None:
    with database.write() as session:
        first = accounts.ensure_admin(session)
        assert accounts.ensure_admin(session).id == first.id
    assert first.role == "admin"


def test_a_sign_in_link_works_once(database: Database) -> None:
    user = add_user(database)
    with database.write() as session:
        token = accounts.create_sign_in_link(session, user.id)
    with database.write() as session:
        assert accounts.consume_sign_in_link(session, token).id == user.id
    with pytest.raises(NotFoundError), database.write() as session:
        accounts.consume_sign_in_link(session, token)


def test_an_old_sign_in_link_does_not_work(database: Database) -> None:
    user = add_user(database)
    with database.write() as session:
        token = accounts.create_sign_in_link(session, user.id)
        session.flush()
        session.execute(update(SignInLink).values(expires_at=utc_now() - timedelta(seconds=1)))
    with pytest.raises(NotFoundError), database.write() as session:
        accounts.consume_sign_in_link(session, token)


def test_a_closed_session_signs_nobody_in(database: Database) -> None:
    user = add_user(database)
    with database.write() as session:
        token = accounts.open_session(session, user.id)
    with database.write() as session:
        assert accounts.signed_in(session, token) is not None
        accounts.close_session(session, token)
        assert accounts.signed_in(session, token) is None


def test_no_secret_is_stored_in_the_clear(database: Database) -> None:
    user = add_user(database)
    with database.write() as session:
        link = accounts.create_sign_in_link(session, user.id)
        cookie = accounts.open_session(session, user.id)
        key = accounts.create_key(session, user.id, "shop", ["classify"])[1]
    with database.read() as session:
        stored = [
            *session.scalars(select(SignInLink.token_digest)),
            *session.scalars(select(WebSession.token_digest)),
            *session.scalars(select(ApiKey.digest)),
        ]
    assert not {link, cookie, key} & set(stored)


def test_a_key_is_known_until_it_is_revoked_or_expires(database: Database) -> None:
    user = add_user(database)
    with database.write() as session:
        _, text = accounts.create_key(session, user.id, "shop", ["read", "classify"])
        _, old = accounts.create_key(session, user.id, "old", ["read"], utc_now() - timedelta(seconds=1))
    with database.write() as session:
        found = accounts.key_owner(session, text)
        assert found is not None
        assert found[0].scopes == ["classify", "read"]
        assert accounts.key_owner(session, old) is None
        accounts.revoke_key(session, text[:12])
        session.flush()
        assert accounts.key_owner(session, text) is None


def test_wrong_scopes_roles_and_names_are_refused(database: Database) -> None:
    user = add_user(database)
    with database.write() as session:
        with pytest.raises(ValidationError, match="everything"):
            accounts.create_key(session, user.id, "shop", ["everything"])
        with pytest.raises(ValidationError, match="at least one scope"):
            accounts.create_key(session, user.id, "shop", [])
        with pytest.raises(ValidationError, match="king"):
            accounts.add_user(session, "Max", "king")
        with pytest.raises(ConflictError):
            accounts.add_user(session, user.name, "seller")
