"""Failures by cause, tried again and discarded, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, update

from shared.clock import utc_now
from shared.database import Database
from shared.errors import NotDiscardableError, NotInQuarantineError
from shared.jobs import failures, handling, store
from shared.jobs.failures import Cause, FailureGroup, Selection
from shared.jobs.states import Handling, JobKind, JobState
from shared.tables import Attempt, Job
from tests.factories import add_failures, add_job, add_user

PHOTOS_GONE = Cause(JobKind.CLASSIFY, "blob_missing")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one call leaves for the next one because its time is over is the matter of one test alone."""
    monkeypatch.setattr(failures, "CALL_SECONDS", 600.0)


def groups(database: Database, limit: int = 10) -> list[FailureGroup]:
    with database.read() as session:
        return failures.groups(session, limit)


def listed(database: Database, handled: Handling) -> set[str]:
    with database.read() as session:
        return {job.id for job in store.page(session, handled=handled, limit=2000).items}


def look(database: Database, job_id: str) -> Job:
    with database.read() as session:
        return store.find(session, job_id)


def retries(database: Database) -> Counter[str]:
    """How many new jobs name each old one."""
    with database.read() as session:
        payloads = session.scalars(select(Job.payload).where(Job.state == JobState.QUEUED))
        return Counter(payload["retry_of"] for payload in payloads)


def test_failures_are_grouped_by_kind_code_and_message(database: Database) -> None:
    add_failures(database, 3)
    add_failures(database, 2, error_message="Another sentence.")
    add_failures(database, 1, kind=JobKind.TRAIN)
    found = groups(database)
    assert [(group.count, group.cause) for group in found] == [
        (3, Cause(JobKind.CLASSIFY, "blob_missing", "About blob_missing.")),
        (2, Cause(JobKind.CLASSIFY, "blob_missing", "Another sentence.")),
        (1, Cause(JobKind.TRAIN, "blob_missing", "About blob_missing.")),
    ]


def test_a_group_tells_when_it_was_seen_first_and_last_and_shows_its_newest(database: Database) -> None:
    early, late = utc_now() - timedelta(hours=2), utc_now() - timedelta(hours=1)
    add_failures(database, finished_at=early)
    (newest,) = add_failures(database, finished_at=late)
    (group,) = groups(database)
    assert (group.first_seen, group.last_seen, group.sample_id) == (early, late, newest.id)


def test_what_waits_runs_succeeded_or_was_stopped_is_no_failure(database: Database) -> None:
    add_job(database)
    for state in (JobState.SUCCEEDED, JobState.CANCELLED):
        add_failures(database, state=state)
    assert groups(database) == []


def test_a_group_counts_how_many_are_in_quarantine(database: Database) -> None:
    add_failures(database, 2, "worker_crashed", state=JobState.QUARANTINED)
    assert [group.quarantined for group in groups(database)] == [2]


def test_only_the_largest_groups_are_listed(database: Database) -> None:
    for size in (1, 3, 2):
        add_failures(database, size, error_message=f"{size} of them")
    assert [group.count for group in groups(database, limit=2)] == [3, 2]


def test_what_was_retried_or_discarded_leaves_the_groups_and_is_still_found(database: Database) -> None:
    retried, discarded, left = add_failures(database, 3)
    with database.write() as session:
        store.retry(session, retried.id)
        failures.discard(session, discarded.id, "Ada")
    assert [group.count for group in groups(database)] == [1]
    assert [listed(database, handled) for handled in Handling] == [{left.id}, {retried.id}, {discarded.id}]


def test_a_discarded_failure_says_by_whom_and_keeps_its_state(database: Database) -> None:
    (job,) = add_failures(database)
    for name in ("Ada", "Bob"):
        with database.write() as session:
            failures.discard(session, job.id, name)
    now = look(database, job.id)
    assert (now.state, now.discarded_by, now.error_code) == (JobState.FAILED, "Ada", "blob_missing")
    assert now.discarded_at is not None


def test_a_discarded_failure_can_still_be_tried_again(database: Database) -> None:
    (job,) = add_failures(database)
    with database.write() as session:
        failures.discard(session, job.id, "Ada")
    with database.write() as session:
        again = store.retry(session, job.id)
    assert look(database, again.id).state is JobState.QUEUED
    assert handling.of(look(database, job.id)) is Handling.RETRIED


def test_what_did_not_fail_or_was_tried_again_cannot_be_discarded(database: Database) -> None:
    (retried,) = add_failures(database)
    with database.write() as session:
        store.retry(session, retried.id)
    for job_id in (retried.id, add_job(database).id):
        with pytest.raises(NotDiscardableError), database.write() as session:
            failures.discard(session, job_id, "Ada")


def test_a_job_leaves_quarantine_as_a_new_one_that_names_who_released_it(database: Database) -> None:
    owner = add_user(database)
    (job,) = add_failures(database, 1, "worker_crashed", state=JobState.QUARANTINED, owner_id=owner.id)
    with database.write() as session:
        again = failures.release(session, job.id, "Ada")
    assert again.payload == {"retry_of": job.id, "released_by": "Ada"}
    assert (again.owner_id, again.attempt) == (owner.id, 0)
    assert look(database, job.id).state is JobState.QUARANTINED


def test_only_what_is_in_quarantine_can_be_released(database: Database) -> None:
    (job,) = add_failures(database)
    with pytest.raises(NotInQuarantineError), database.write() as session:
        failures.release(session, job.id, "Ada")


def test_two_who_retry_the_same_job_get_the_same_new_one(database: Database) -> None:
    (job,) = add_failures(database)

    def retry(_: int) -> str:
        with database.write() as session:
            return store.retry(session, job.id).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(retry, range(8)))) == 1


def test_a_retry_of_what_was_retried_and_failed_again_tries_the_newest(database: Database) -> None:
    (job,) = add_failures(database, payload={"x": 1, "retried_by": "Bob"})
    with database.write() as session:
        second = store.retry(session, job.id, retried_by="Ada").id
    with database.write() as session:
        store.request_cancel(session, second)
    with database.write() as session:
        third = store.retry(session, job.id)
    assert third.payload == {"x": 1, "retry_of": second, "retried_by": "hangtag"}


def test_a_group_of_1200_is_retried_exactly_once_by_two_who_press_at_the_same_time(
    database: Database,
) -> None:
    jobs = add_failures(database, 1200)
    others = add_failures(database, 5, "storage_full")
    with ThreadPoolExecutor(2) as pool:
        names = ("Ada", "Bob")
        dealt = list(pool.map(lambda by: failures.retry_all(database, Selection(PHOTOS_GONE, by)), names))
    assert sum(each.count for each in dealt) == 1200
    assert [each.left for each in dealt] == [0, 0]
    assert retries(database) == {job.id: 1 for job in jobs}
    assert listed(database, Handling.OPEN) == {job.id for job in others}


def test_what_a_group_retry_makes_is_the_same_task_and_waits_for_the_dispatcher(database: Database) -> None:
    owner = add_user(database)
    (job,) = add_failures(database, owner_id=owner.id, payload={"x": 1})
    failures.retry_all(database, Selection(PHOTOS_GONE, "Ada"))
    again = look(database, look(database, job.id).retried_as or "")
    assert again.payload == {"x": 1, "retry_of": job.id, "retried_by": "Ada"}
    assert (again.state, again.owner_id, again.last_dispatch_at) == (JobState.QUEUED, owner.id, None)


def test_a_whole_group_is_discarded(database: Database) -> None:
    jobs = add_failures(database, 501)
    dealt = failures.discard_all(database, Selection(PHOTOS_GONE, "Ada"))
    assert (dealt.count, dealt.left) == (501, 0)
    assert listed(database, Handling.DISCARDED) == {job.id for job in jobs}


def test_a_message_narrows_a_group_down(database: Database) -> None:
    add_failures(database, 2)
    add_failures(database, 3, error_message="Another sentence.")
    cause = Cause(JobKind.CLASSIFY, "blob_missing", "Another sentence.")
    assert failures.retry_all(database, Selection(cause, "Ada")).count == 3


def test_what_failed_after_the_moment_named_is_left_alone(database: Database) -> None:
    add_failures(database, 2)
    until = utc_now()
    add_failures(database, finished_at=until + timedelta(seconds=1))
    assert failures.retry_all(database, Selection(PHOTOS_GONE, "Ada", until)).count == 2
    assert [group.count for group in groups(database)] == [1]


def test_failures_from_before_the_clock_was_set_back_are_not_out_of_reach(database: Database) -> None:
    add_failures(database, 2, finished_at=utc_now() + timedelta(hours=1))
    assert failures.retry_all(database, Selection(PHOTOS_GONE, "Ada")).count == 2


def test_a_call_that_has_gone_on_for_long_says_what_is_left(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "BATCH", 2)
    monkeypatch.setattr(failures, "CALL_SECONDS", 0.0)
    add_failures(database, 3)
    dealt = [failures.retry_all(database, Selection(PHOTOS_GONE, "Ada")) for _ in range(2)]
    assert [(each.count, each.left) for each in dealt] == [(2, 1), (1, 0)]


def test_attempts_of_many_jobs_are_read_at_once_in_order(database: Database) -> None:
    jobs = add_failures(database, 2)
    with database.write() as session:
        for job in jobs:
            session.add_all(Attempt(job_id=job.id, number=n, worker=f"w{n}") for n in (2, 1))
    with database.read() as session:
        runs = failures.attempts_of(session, jobs)
    assert [[run.worker for run in runs[job.id]] for job in jobs] == [["w1", "w2"], ["w1", "w2"]]


def test_every_code_a_job_has_can_be_chosen(database: Database) -> None:
    for code in ("storage_full", "blob_missing", "blob_missing"):
        add_failures(database, code=code)
    with database.read() as session:
        assert failures.codes(session) == ["blob_missing", "storage_full"]


def test_sqlite_reads_groups_from_the_index_over_open_failures(migrated_sqlite: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "hangtag.db")
    database = Database(f"sqlite:///{tmp_path}/hangtag.db")
    sent: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: sent.append((call[2], call[3])))
    groups(database)
    with database.engine.connect() as connection:
        sql, values = sent[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
    database.close()
    assert plan[0].detail.endswith("ix_job_open_failure")


def test_a_transient_error_that_passed_is_no_failure(database: Database) -> None:
    (job,) = add_failures(database)
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job.id).values(state=JobState.SUCCEEDED))
    assert groups(database) == []
