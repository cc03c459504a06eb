"""Old attempts go, young and running ones stay, and the job keeps its result."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import utc_now
from shared.database import Database
from shared.jobs import pruning, store
from shared.jobs.states import JobKind, JobState
from shared.tables import Attempt, Job
from tests.factories import add_job


def ended(database: Database, days_ago: int) -> Job:
    """A job whose only attempt ended so many days ago."""
    job = add_job(database)
    with database.write() as session:
        store.claim(session, JobKind.CLASSIFY, "w", 1, job.id)
        store.succeed(session, job.id, 1, {"category": "hat"})
        session.get_one(Attempt, (job.id, 1)).ended_at = utc_now() - timedelta(days=days_ago)
    return job


def attempts_of(database: Database, job: Job) -> int:
    with database.read() as session:
        return len(store.attempts(session, job.id))


def test_attempts_older_than_the_setting_go_and_the_others_stay(database: Database) -> None:
    old, young, running = ended(database, 91), ended(database, 89), add_job(database)
    with database.write() as session:
        store.claim(session, JobKind.CLASSIFY, "w", 1, running.id)
    assert pruning.prune_attempts(database, utc_now() - timedelta(days=90)) == 1
    assert [attempts_of(database, job) for job in (old, young, running)] == [0, 1, 1]
    with database.read() as session:
        job = store.find(session, old.id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"category": "hat"})


def test_more_than_one_batch_goes_in_one_call(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    for _ in range(5):
        ended(database, 91)
    assert pruning.prune_attempts(database, utc_now() - timedelta(days=90)) == 5
