"""People: added once, changed with effect at once, and never all of them shut out."""

from __future__ import annotations

import threading

import pytest

from shared import accounts, audit
from shared.database import Database
from shared.errors import ConflictError, NotFoundError, ValidationError
from tests.factories import add_key, add_user
from tests.overlapping import both


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "Hangtag", "command LINE", "a\x00b", "a\nb\x1b[1m"])
def test_names_that_would_confuse_are_refused(database: Database, name: str) -> None:
    with pytest.raises(ValidationError), database.write() as session:
        accounts.add_user(session, name, "seller")


def test_of_two_who_add_the_same_name_at_the_same_moment_one_is_told_that_it_is_taken(
    database: Database,
) -> None:
    with pytest.raises(ConflictError, match="already somebody called 'Sam'"):
        both(database, lambda session: accounts.add_user(session, "Sam", "seller"))
    with database.read() as session:
        assert [user.name for user in accounts.people(session)] == ["Sam"]


def test_a_disabled_person_is_out_at_once(database: Database) -> None:
    user = add_user(database)
    key = add_key(database, user, "read")
    with database.write() as session:
        token = accounts.open_session(session, user.id)
        link = accounts.create_sign_in_link(session, user.id)
        accounts.disable(session, user.id, by="Ada")
    with database.write() as session:
        assert accounts.signed_in(session, token) is None
        assert accounts.key_owner(session, key) is None
        with pytest.raises(NotFoundError):
            accounts.consume_sign_in_link(session, link)
        with pytest.raises(ConflictError, match="disabled"):
            accounts.create_sign_in_link(session, user.id)


def test_somebody_who_is_enabled_again_has_the_same_keys_but_no_session(database: Database) -> None:
    user = add_user(database)
    key = add_key(database, user, "read")
    with database.write() as session:
        token = accounts.open_session(session, user.id)
        accounts.disable(session, user.id, by="Ada")
        accounts.enable(session, user.id, by="Ada")
    with database.read() as session:
        assert accounts.key_owner(session, key) is not None
        assert accounts.signed_in(session, token) is None


def test_another_role_ends_the_sessions(database: Database) -> None:
    user = add_user(database)
    with database.write() as session:
        token = accounts.open_session(session, user.id)
        accounts.set_role(session, user.id, "seller", by="Ada")
        assert accounts.signed_in(session, token) is not None, "the same role changes nothing"
        accounts.set_role(session, user.id, "reviewer", by="Ada")
        session.expire_all()
        assert accounts.signed_in(session, token) is None


def test_the_last_administrator_stays_one(database: Database) -> None:
    ada, kim = add_user(database, "Ada", "admin"), add_user(database, "Kim", "admin")
    with database.write() as session:
        accounts.disable(session, kim.id, by="Ada")
    with database.write() as session:
        with pytest.raises(ConflictError, match="only administrator"):
            accounts.disable(session, ada.id, by="Ada")
        with pytest.raises(ConflictError, match="only administrator"):
            accounts.set_role(session, ada.id, "seller", by="Ada")


def test_two_administrators_cannot_remove_each_other_at_the_same_moment(database: Database) -> None:
    users = [add_user(database, name, "admin") for name in ("Ada", "Kim")]
    together = threading.Barrier(2)

    def remove(user_id: str) -> None:
        together.wait()
        try:
            with database.write() as session:
                accounts.disable(session, user_id, by="the other")
        except ConflictError:
            pass

    threads = [threading.Thread(target=remove, args=(user.id,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert sum(user.disabled_at is None for user in accounts.people(session)) == 1


def test_what_is_done_to_people_is_in_the_audit_log(database: Database) -> None:
    with database.write() as session:
        user = accounts.add_user(session, "Sam", "seller", by="Ada")
        accounts.set_role(session, user.id, "reviewer", by="Ada")
        key, text = accounts.create_key(session, user.id, "shop", ["read"], by="Sam")
        accounts.revoke_key_id(session, key.id, None, by="Ada")
        link = accounts.create_sign_in_link(session, user.id, by="Ada")
        accounts.disable(session, user.id, by="Ada")
        accounts.enable(session, user.id, by="Ada")
    with database.read() as session:
        events = list(audit.everything(session))
    assert [(event.actor, event.action) for event in events] == [
        ("Ada", "person_added"),
        ("Ada", "role_changed"),
        ("Sam", "key_made"),
        ("Ada", "key_revoked"),
        ("Ada", "link_issued"),
        ("Ada", "person_disabled"),
        ("Ada", "person_enabled"),
    ]
    written = "".join(map(audit.as_line, events))
    assert text not in written
    assert link not in written
