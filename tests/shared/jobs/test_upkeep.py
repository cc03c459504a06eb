"""Silence, wake-ups and clocks that are set, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import update

from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store, upkeep
from shared.jobs.states import JobKind, JobState
from shared.tables import Job
from tests.factories import add_job
from worker.reaper import LOOK_SECONDS, Reaper

LEASE = store.LEASE_SECONDS[JobKind.CLASSIFY]


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Watch:
    """A reaper and its clock."""

    database: Database
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.reaper = Reaper(self.database, self.clock)

    def look_for(self, seconds: float) -> None:
        """Look again and again for so long."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += LOOK_SECONDS
            self.reaper.look()


@pytest.fixture
def watch(database: Database) -> Watch:
    """A reaper that has just started."""
    return Watch(database)


def claim(database: Database, worker: str = "w1") -> list[Job]:
    with database.write() as session:
        return store.claim(session, JobKind.CLASSIFY, worker, 10)


def state(database: Database, job: Job) -> JobState:
    with database.read() as session:
        return store.find(session, job.id).state


def set_clock_back(database: Database, hours: float) -> None:
    """Make all rows look as if written before this machine's clock was set back."""
    ahead = utc_now() + timedelta(hours=hours)
    with database.write() as session:
        moments = dict.fromkeys(("created_at", "run_after", "last_dispatch_at"), ahead)
        session.execute(update(Job).values(**moments))


def test_an_attempt_that_is_silent_for_its_lease_loses_its_job(database: Database, watch: Watch) -> None:
    job = add_job(database)
    watch.reaper.look()  # a first look believes the rows, and they tell how long this machine has stalled
    claim(database)
    watch.look_for(LEASE)
    assert state(database, job) is JobState.RUNNING
    watch.look_for(LOOK_SECONDS)
    assert state(database, job) is JobState.QUEUED


def test_an_attempt_that_renews_keeps_its_job(database: Database, watch: Watch) -> None:
    job = add_job(database)
    claim(database)
    for _ in range(4):
        watch.look_for(LEASE - LOOK_SECONDS)
        with database.write() as session:
            store.renew(session, job.id, 1)
    assert state(database, job) is JobState.RUNNING


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_is_set_takes_no_job_away(database: Database, watch: Watch, hours: float) -> None:
    job = add_job(database)
    claim(database)
    watch.look_for(LOOK_SECONDS)
    with database.write() as session:
        long_ago = utc_now() + timedelta(hours=hours)
        session.execute(update(Job).values(lease_until=long_ago, heartbeat_at=long_ago))
    watch.look_for(LEASE)
    assert state(database, job) is JobState.RUNNING


@pytest.mark.parametrize(("hours", "waits"), [(-2, LEASE / 2), (2, LEASE)])
def test_a_reaper_that_starts_anew_counts_at_most_half_a_lease_of_what_the_rows_say(
    database: Database, watch: Watch, hours: float, waits: float
) -> None:
    job = add_job(database)
    claim(database)
    with database.write() as session:
        session.execute(update(Job).values(heartbeat_at=utc_now() + timedelta(hours=hours)))
    watch.look_for(waits)
    assert state(database, job) is JobState.RUNNING
    watch.look_for(2 * LOOK_SECONDS)
    assert state(database, job) is JobState.QUEUED


def test_time_in_which_nobody_could_look_is_not_counted_as_silence(database: Database, watch: Watch) -> None:
    job = add_job(database)
    claim(database)
    watch.look_for(LOOK_SECONDS)
    watch.clock.now += 3600
    watch.reaper.look()
    assert state(database, job) is JobState.RUNNING


def test_a_word_between_look_and_reaping_saves_the_job(database: Database) -> None:
    job = add_job(database)
    claim(database)
    with database.read() as session:
        silent = upkeep.signs_of_life(session)
    with database.write() as session:
        store.renew(session, job.id, 1)
    with database.write() as session:
        assert upkeep.reap(session, silent) == []
    assert state(database, job) is JobState.RUNNING


def test_reapers_side_by_side_take_each_job_back_once(database: Database) -> None:
    jobs = [add_job(database) for _ in range(10)]
    claim(database)
    with database.read() as session:
        silent = upkeep.signs_of_life(session)

    def reap(_number: int) -> list[str]:
        with database.write() as session:
            return [job_id for job_id, _ in upkeep.reap(session, silent)]

    with ThreadPoolExecutor(4) as pool:
        taken = [job_id for ids in pool.map(reap, range(8)) for job_id in ids]
    assert sorted(taken) == sorted(job.id for job in jobs)


def due(database: Database) -> list[str]:
    with database.read() as session:
        return [job_id for job_id, _ in upkeep.due_for_dispatch(session)]


def test_the_dispatcher_sends_only_what_was_not_sent_lately(database: Database) -> None:
    job = add_job(database)
    assert due(database) == []  # its creator sends the first wake-up
    with database.write() as session:
        long_ago = utc_now() - timedelta(seconds=upkeep.REDISPATCH_SECONDS + 1)
        session.execute(update(Job).values(last_dispatch_at=long_ago))
    assert due(database) == [job.id]
    with database.write() as session:
        upkeep.dispatched(session, [job.id])
    assert due(database) == []


def test_a_crowd_of_photos_does_not_keep_the_wake_up_of_a_training_waiting(database: Database) -> None:
    with database.write() as session:
        for _ in range(upkeep.DISPATCH_LIMIT + 10):
            store.create(session, JobKind.CLASSIFY)
        training = store.create(session, JobKind.TRAIN)
        session.execute(update(Job).values(last_dispatch_at=None))
    assert training.id in due(database)
    assert len(due(database)) == upkeep.DISPATCH_LIMIT + 1


def new(_database: Database) -> None:
    """A job nobody has tried yet."""


def taken_back(database: Database) -> None:
    claim(database)
    with database.write() as session:
        upkeep.reap(session, upkeep.signs_of_life(session))


@pytest.mark.parametrize("prepare", [new, taken_back])
def test_a_clock_that_is_set_back_keeps_no_job_waiting(
    database: Database, prepare: Callable[[Database], None]
) -> None:
    job = add_job(database)
    prepare(database)
    set_clock_back(database, 2)
    assert due(database) == [job.id]
    assert [taken.id for taken in claim(database)] == [job.id]
