"""The audit log: appended with the act, chained, and kept from change by the database itself."""

from __future__ import annotations

import json
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared import audit
from shared.audit import Action, Filter
from shared.database import Database

UNGUARD = {
    "sqlite": [f"DROP TRIGGER audit_event_no_{verb}" for verb in ("update", "delete")],
    "postgresql": ["DROP TRIGGER audit_event_no_change ON audit_event"],
}


def record(database: Database, *subjects: str) -> None:
    for subject in subjects:
        with database.write() as session:
            audit.record(session, "Ada", Action.PERSON_ADDED, subject, {"role": "seller", "größe": 1.5})


def change(database: Database, statement: str) -> None:
    """What somebody does who may do everything with the database."""
    with database.write() as session:
        for unguard in UNGUARD[database.engine.dialect.name]:
            session.execute(text(unguard))
        session.execute(text(statement))


def verdict(database: Database, expected: str | None = None) -> audit.Verdict:
    with database.read() as session:
        return audit.verify(session, expected)


def test_events_come_newest_first_with_everything_that_was_said(database: Database) -> None:
    record(database, "Sam", "Eve")
    with database.read() as session:
        newest, oldest = audit.page(session).items
    assert (newest.number, newest.subject, oldest.number, oldest.subject) == (2, "Eve", 1, "Sam")
    assert (oldest.actor, oldest.action) == ("Ada", "person_added")
    assert oldest.details == {"role": "seller", "größe": 1.5}


def test_an_act_that_is_rolled_back_leaves_no_event(database: Database) -> None:
    with database.write() as session:
        audit.record(session, "Ada", Action.PERSON_ADDED, "Sam")
        session.rollback()
    assert verdict(database).count == 0


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor = 'Eve'", "DELETE FROM audit_event"])
def test_the_database_itself_refuses_to_change_or_remove_events(database: Database, statement: str) -> None:
    record(database, "Sam")
    with pytest.raises(DBAPIError, match="append-only"), database.write() as session:
        session.execute(text(statement))
    assert verdict(database).count == 1


def test_an_untouched_chain_is_whole(database: Database) -> None:
    record(database, "Sam", "Eve", "Kim")
    found = verdict(database)
    assert (found.count, found.broken) == (3, None)
    assert verdict(database, found.last_digest).broken is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit_event SET actor = 'Eve' WHERE number = 2", 2),
        ("UPDATE audit_event SET details = '{}' WHERE number = 2", 2),
        ("UPDATE audit_event SET created_at = '2020-01-01 00:00:00' WHERE number = 1", 1),
        ("DELETE FROM audit_event WHERE number = 2", 2),
        ("DELETE FROM audit_event WHERE number = 1", 1),
        ("UPDATE audit_event SET number = 4 WHERE number = 3", 3),
    ],
)
def test_the_first_row_that_was_tampered_with_is_named(
    database: Database, statement: str, broken: int
) -> None:
    record(database, "Sam", "Eve", "Kim")
    change(database, statement)
    assert verdict(database).broken == broken


def test_an_end_that_was_cut_off_is_noticed_by_a_digest_that_was_noted(database: Database) -> None:
    record(database, "Sam", "Eve", "Kim")
    noted = verdict(database).last_digest
    change(database, "DELETE FROM audit_event WHERE number = 3")
    assert verdict(database).broken is None
    assert verdict(database, noted).broken == 3


def test_appending_from_many_sides_at_once_keeps_one_chain(database: Database) -> None:
    threads = [threading.Thread(target=record, args=(database, *"abcde")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verdict(database)
    assert (found.count, found.broken) == (20, None)


def test_events_can_be_filtered_and_paged(database: Database) -> None:
    record(database, *"abc")
    with database.write() as session:
        audit.record(session, "Eve", Action.SIGNED_IN, "Eve")
    with database.read() as session:
        first = audit.page(session, Filter(actor="Ada"), limit=2)
        rest = audit.page(session, Filter(actor="Ada"), first.next_cursor, limit=2)
        signed_in = audit.page(session, Filter(Action.SIGNED_IN))
    assert [event.subject for event in first.items + rest.items] == ["c", "b", "a"]
    assert rest.next_cursor is None
    assert [event.actor for event in signed_in.items] == ["Eve"]


def test_a_line_of_the_export_holds_the_whole_event(database: Database) -> None:
    record(database, "Sam\x00\x1b[31m\nEve" + "x" * 300)
    with database.read() as session:
        (event,) = audit.everything(session)
    line = audit.as_line(event)
    assert json.loads(line) == audit.as_dict(event)
    assert line.count("\n") == 1
    assert event.subject.startswith("Sam[31mEvexxx")
    assert len(event.subject) == audit.MAX_SUBJECT_CHARACTERS
