"""What the queries that run all the time cost with a thousand, a hundred thousand and a million jobs.

`python -m benchmarks.growth`: on SQLite, or with `--database-url postgresql://...` on a PostgreSQL server
where that person may create databases. Each size has a database of its own, which goes at the end. They are
asked in turn. Prints milliseconds and, for each query, the ratio of the largest table to the smallest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, make_url, text
from sqlalchemy.orm import Session

from benchmarks.figures import machine
from shared import accounts
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store, upkeep
from shared.jobs.outcome import Outcome
from shared.jobs.states import JobKind, JobState
from shared.migrate import upgrade
from shared.overview import hours
from shared.overview.figures import Window, done
from shared.overview.tally import HOUR, hour_of
from shared.settings import load_settings
from shared.tables import Attempt, Job, new_id

SIZES = (1_000, 100_000, 1_000_000)
# Whatever the table holds, so many wait and so many people own its jobs.
WAITING, OWNERS = 500, 50
WARM_UP, ROUNDS = 5, 40
BATCH = 10_000
# Ten categories, one in a hundred answers a hat, one in ten asked.
RESULTS = [
    {
        "category": "hat" if number == 0 else f"kind {number % 9}",
        "decision": "ask" if number % 10 == 0 else "suggest",
        "model_version": 1,
    }
    for number in range(100)
]
Query = Callable[[Session], object]


def queries(job: str, owner: str) -> dict[str, Query]:
    """What workers, maintenance and people ask all the time; `job` is one of the jobs of `owner`."""
    hour = hour_of(utc_now() - HOUR)
    return {
        "claim 16": lambda session: store.claim(session, JobKind.CLASSIFY, "bench", 16),
        "status": lambda session: store.find(session, job, owner),
        "a seller's list": lambda session: store.page(session, owner_id=owner, limit=20),
        "list of a state": lambda session: store.page(session, state=JobState.SUCCEEDED, limit=20),
        "list of a kind": lambda session: store.page(session, kind=JobKind.TRAIN, limit=20),
        "dispatch": upkeep.due_for_dispatch,
        "reaper's look": upkeep.signs_of_life,
        "overview of a day": lambda session: done(session, Window.DAY, None, utc_now()),
        "overview of a month": lambda session: done(session, Window.MONTH, None, utc_now()),
        "its hour's jobs": lambda session: _answered(session, hour, hour + HOUR, None),
        "its month's jobs": lambda session: _answered(session, hour - 29 * 24 * HOUR, None, None),
        "its month's hats": lambda session: _answered(session, hour - 29 * 24 * HOUR, None, "hat"),
    }


def _answered(session: Session, since: datetime, until: datetime | None, category: str | None) -> object:
    outcome = Outcome(since, until, category)
    chosen: dict[str, Any] = {"kind": JobKind.CLASSIFY, "state": JobState.SUCCEEDED, "outcome": outcome}
    return store.page(session, limit=50, **chosen)


def main() -> None:
    """Fill a database for each size, ask them in turn, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--database-url", help="a PostgreSQL server; default: SQLite in new folders")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    options = parser.parse_args()
    with ExitStack() as stack:
        databases = [stack.enter_context(_new_database(options.database_url)) for _ in options.sizes]
        print(f"{machine()}; {databases[0].engine.dialect.name}")
        asked = [_filled(database, size) for database, size in zip(databases, options.sizes, strict=True)]
        measured = {name: _milliseconds(databases, [one[name] for one in asked]) for name in asked[0]}
        _report(measured, options.sizes)


@contextmanager
def _new_database(server: str | None) -> Iterator[Database]:
    """A migrated database that goes at the end, on SQLite or on this server."""
    with tempfile.TemporaryDirectory(prefix="hangtag-growth-") as folder, ExitStack() as stack:
        variables = {"HANGTAG_DATA_DIR": folder}
        if server:
            variables["HANGTAG_DATABASE_URL"] = stack.enter_context(_new_on(server))
        settings = load_settings(variables)
        upgrade(settings)
        with closing(Database(settings.database_url)) as database:
            yield database


@contextmanager
def _new_on(server: str) -> Iterator[str]:
    """The address of an empty database on a PostgreSQL server, which goes at the end."""
    name = f"hangtag_growth_{uuid4().hex}"
    with closing(Database(server)) as database:
        _at_once(database, f"CREATE DATABASE {name}")
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            _at_once(database, f"DROP DATABASE {name} WITH (FORCE)")


def _at_once(database: Database, statement: str) -> None:
    """Run what may not be part of a transaction."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(statement))


def _filled(database: Database, size: int) -> dict[str, Query]:
    """Fill a database with so many jobs, have its maintenance done; what to ask it."""
    with database.write() as session:
        people = [accounts.add_user(session, f"Sam {number}", "seller").id for number in range(OWNERS)]
    _fill(database, people, WAITING, JobState.QUEUED)
    _fill(database, people, size - WAITING, JobState.SUCCEEDED)
    # A server does these by itself a while after so many rows, and would do them while it is measured.
    is_server = database.engine.dialect.name != "sqlite"
    for statement in ("VACUUM ANALYZE", "CHECKPOINT") if is_server else ("ANALYZE",):
        _at_once(database, statement)
    with database.read() as session:
        job = store.page(session, owner_id=people[0], limit=1).items[0].id
    began = time.perf_counter()
    hours.keep(database)
    print(
        f"{size:,} jobs: maintenance counted their hours in {time.perf_counter() - began:.1f} s", flush=True
    )
    return queries(job, people[0])


def _fill(database: Database, people: list[str], count: int, state: JobState) -> None:
    ended = state is JobState.SUCCEEDED
    for start in range(0, max(0, count), BATCH):
        now = utc_now()
        span = timedelta(days=30) / count
        rows: list[dict[str, Any]] = [
            {
                "id": new_id(),
                "kind": JobKind.CLASSIFY,
                "state": state,
                "owner_id": people[number % len(people)],
                "payload": {},
                "attempt": int(ended),
                "created_at": now - (count - number) * span - timedelta(seconds=number % 7),
                "finished_at": now - (count - number) * span if ended else None,
                "result": RESULTS[number % len(RESULTS)] if ended else None,
            }
            for number in range(start, min(count, start + BATCH))
        ]
        with database.write() as session:
            session.execute(insert(Job), rows)
            if ended:
                attempts = [
                    {"job_id": row["id"], "number": 1, "worker": "w", "ended_at": now} for row in rows
                ]
                session.execute(insert(Attempt), attempts)


def _milliseconds(databases: list[Database], asked: list[Query]) -> list[float]:
    """The median time of one query in each database, asked in turn; what it changes is rolled back."""
    times: list[list[float]] = [[] for _ in databases]
    for _ in range(WARM_UP + ROUNDS):
        for database, query, found in zip(databases, asked, times, strict=True):
            with Session(database.engine) as session:
                session.connection()
                began = time.perf_counter()
                query(session)
                found.append(1000 * (time.perf_counter() - began))
                session.rollback()
    return [statistics.median(found[WARM_UP:]) for found in times]


def _report(measured: dict[str, list[float]], sizes: list[int]) -> None:
    print(f"{'milliseconds':<20}" + "".join(f"{size:>12,}" for size in sizes) + f"{'ratio':>8}")
    for name, values in measured.items():
        print(
            f"{name:<20}" + "".join(f"{value:>12.2f}" for value in values) + f"{values[-1] / values[0]:>8.2f}"
        )


if __name__ == "__main__":
    main()
