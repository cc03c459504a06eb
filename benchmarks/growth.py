"""What the queries that run all the time cost with a thousand, a hundred thousand and a million jobs.

`python -m benchmarks.growth`: on SQLite, or with `--database-url postgresql://...` on an empty PostgreSQL.
Prints milliseconds and, for each query, the ratio of the largest table to the smallest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text
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
from shared.tables import Attempt, HourlyFigures, Job, new_id

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
    """Fill, measure, fill more, measure again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument(
        "--database-url", help="an empty PostgreSQL database; default: SQLite in a new folder"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hangtag-growth-") as folder:
        variables = {"HANGTAG_DATA_DIR": folder}
        if options.database_url:
            variables["HANGTAG_DATABASE_URL"] = options.database_url
        settings = load_settings(variables)
        upgrade(settings)
        database = Database(settings.database_url)
        print(f"{machine()}; {database.engine.dialect.name}")
        _report(list(_measured(database, options.sizes)), options.sizes)
        database.close()


def _measured(database: Database, sizes: list[int]) -> Iterator[dict[str, float]]:
    with database.write() as session:
        people = [accounts.add_user(session, f"Sam {number}", "seller").id for number in range(OWNERS)]
    _fill(database, people, WAITING, JobState.QUEUED)
    for size in sizes:
        with database.read() as session:
            there = session.scalar(select(func.count()).select_from(Job)) or 0
        _fill(database, people, size - there, JobState.SUCCEEDED)
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
        with database.read() as session:
            job = store.page(session, owner_id=people[0], limit=1).items[0].id
        with database.write() as session:
            session.execute(delete(HourlyFigures))
        began = time.perf_counter()
        hours.keep(database)
        print(f"{size:,} jobs: maintenance counted their hours in {time.perf_counter() - began:.1f} s")
        asked = queries(job, people[0]).items()
        yield {name: _milliseconds(database, query) for name, query in asked}


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


def _milliseconds(database: Database, query: Query) -> float:
    """The median time of one query; what it changes is rolled back."""
    times = []
    for _ in range(WARM_UP + ROUNDS):
        with Session(database.engine) as session:
            session.connection()
            began = time.perf_counter()
            query(session)
            times.append(1000 * (time.perf_counter() - began))
            session.rollback()
    return statistics.median(times[WARM_UP:])


def _report(measured: list[dict[str, float]], sizes: list[int]) -> None:
    print(f"{'milliseconds':<20}" + "".join(f"{size:>12,}" for size in sizes) + f"{'ratio':>8}")
    for name in measured[0]:
        values = [figures[name] for figures in measured]
        print(
            f"{name:<20}" + "".join(f"{value:>12.2f}" for value in values) + f"{values[-1] / values[0]:>8.2f}"
        )


if __name__ == "__main__":
    main()
