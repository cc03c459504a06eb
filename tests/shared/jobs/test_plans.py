"""The queries that run all the time are answered from an index, however many jobs there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.orm import Session

from shared import idempotency
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import batch, figures, pruning, store, upkeep
from shared.jobs.outcome import Outcome
from shared.jobs.states import JobKind, JobState
from shared.overview import tally
from shared.overview.tally import HOUR
from shared.tables import Attempt, IdempotencyKey, Job, User, new_id
from tests.factories import add_user

# Enough ended jobs that a planner which could use an index does.
ENDED, WAITING, OWNERS = 6_000, 40, 20
Statement = tuple[str, Any]
# Some time ago, when little was done.
AN_HOUR = (utc_now() - 5 * HOUR, utc_now() - 4 * HOUR)
# Tables that grow with every photo.
GROWING = ("job", "attempt", "photo", "prediction", "idempotency_key", "webhook_delivery")


@pytest.fixture
def owner(database: Database) -> User:
    """One of the people whose jobs fill the tables."""
    people = [add_user(database, f"Sam {number}") for number in range(OWNERS)]
    now = utc_now()
    rows = [
        _row(JobState.SUCCEEDED, people[number % OWNERS], finished_at=now, attempt=1)
        for number in range(ENDED)
    ]
    rows += [_row(JobState.QUEUED, people[0]) for _ in range(WAITING)]
    running = [_row(JobState.RUNNING, people[0], lease_until=now, attempt=1) for _ in range(WAITING)]
    with database.write() as session:
        session.execute(insert(Job), rows + running)
        session.execute(
            insert(Attempt),
            [
                {
                    "job_id": row["id"],
                    "number": 1,
                    "worker": "w",
                    "started_at": now,
                    "ended_at": row["finished_at"],
                }
                for row in [*rows[:ENDED], *running]
            ],
        )
        session.execute(
            insert(IdempotencyKey),
            [
                {"owner_id": people[0].id, "key": str(number), "fingerprint": "", "answer": {}}
                for number in range(ENDED)
            ],
        )
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return people[0]


def _row(state: JobState, owner: User, **fields: Any) -> dict[str, Any]:
    ends = {"finished_at": None, "lease_until": None, "attempt": 0, **fields}
    return {
        "id": new_id(),
        "kind": JobKind.CLASSIFY,
        "state": state,
        "owner_id": owner.id,
        "payload": {},
        **ends,
    }


@contextmanager
def statements(database: Database) -> Iterator[list[Statement]]:
    """What is sent to the database meanwhile, with its parameters."""
    sent: list[Statement] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        sent.append((statement, parameters[0] if many else parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def plans(database: Database, work: Callable[[Session], object]) -> list[tuple[str, str]]:
    """Each statement of `work` and how the database carries it out."""
    with statements(database) as sent, database.write() as session:
        work(session)
        session.flush()
        session.rollback()
    return [
        (statement, _plan(database, statement, parameters))
        for statement, parameters in sent
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE"))
    ]


def _plan(database: Database, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if database.url.startswith("sqlite") else "EXPLAIN"
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(str(row[-1]) for row in rows)


def reads_everything(plan: str) -> bool:
    """Whether a table that grows is read from one end to the other."""
    lines = [line.strip(" ->") for line in plan.splitlines()]
    sqlite = [line for line in lines if line.startswith("SCAN ") and line.split()[1] in GROWING]
    return bool([line for line in sqlite if " USING " not in line]) or any(
        f"Seq Scan on {table} " in line for line in lines for table in GROWING
    )


def a_running_job(session: Session) -> str:
    job = store.page(session, state=JobState.RUNNING, limit=1).items[0]
    return job.id


WORK: dict[str, Callable[[Session], object]] = {
    "claim": lambda session: store.claim(session, JobKind.CLASSIFY, "w", 16),
    "claim fresh": lambda session: store.claim(session, JobKind.CLASSIFY, "w", 16, fresh=True),
    "dispatch": upkeep.due_for_dispatch,
    "look": upkeep.signs_of_life,
    "reap": lambda session: upkeep.reap(session, upkeep.signs_of_life(session)[:2]),
    "renew": lambda session: store.renew(session, a_running_job(session), 1),
    "end a batch": lambda session: batch.succeed(
        session, batch.held(session, [(a_running_job(session), 1)]).values(), _Anything()
    ),
    "queues": figures.queues,
    "waiting": store.waiting,
    "list of everybody": lambda session: store.page(session, limit=20),
    "list of a rare kind": lambda session: store.page(session, kind=JobKind.TRAIN, limit=20),
    "list of a state": lambda session: store.page(session, state=JobState.FAILED, limit=20),
    "count an hour": lambda session: tally.count(session, *AN_HOUR),
    "list of an hour": lambda session: store.page(session, kind=JobKind.CLASSIFY, outcome=Outcome(*AN_HOUR)),
    "forget keys": idempotency.forget_old,
    "prune": lambda session: pruning._prune(session, utc_now() - timedelta(days=90)),
}


class _Anything(dict[str, Any]):
    def __missing__(self, key: str) -> dict[str, Any]:
        return {}


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("name", list(WORK))
def test_no_query_reads_a_growing_table_from_end_to_end(database: Database, name: str) -> None:
    found = plans(database, WORK[name])
    assert found
    for statement, plan in found:
        assert not reads_everything(plan), f"{statement}\n{plan}"


def test_a_sellers_list_and_status_come_from_an_index(database: Database, owner: User) -> None:
    found = plans(database, lambda session: store.page(session, owner_id=owner.id, limit=20))
    with database.read() as session:
        job_id = store.page(session, owner_id=owner.id, limit=1).items[0].id
    found += plans(database, lambda session: store.find(session, job_id, owner.id))
    assert len(found) == 2
    for statement, plan in found:
        assert not reads_everything(plan), f"{statement}\n{plan}"


@pytest.mark.usefixtures("owner")
def test_reading_everything_is_noticed(database: Database) -> None:
    found = plans(
        database, lambda session: session.execute(text("SELECT * FROM job WHERE stage = 'x'")).all()
    )
    assert [reads_everything(plan) for _, plan in found] == [True]
