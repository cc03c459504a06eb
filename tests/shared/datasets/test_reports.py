"""Which dataset version somebody looks at without being asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import utc_now
from shared.database import Database
from shared.datasets import reports
from shared.jobs.states import JobKind, JobState
from shared.tables import DatasetVersion, Job
from tests.factories import add_job, add_user
from tests.overlapping import both, overlapping


@pytest.fixture(autouse=True)
def _versions(database: Database) -> None:
    """Dataset versions 1 and 2."""
    with database.write() as session:
        for number in (1, 2):
            session.add(DatasetVersion(number=number, digest=str(number) * 64, classes=["hat"], counts={}))


def asked_for(database: Database) -> int | None:
    """The dataset version of the job that is queued now, if one is."""
    with database.write() as session:
        job = reports.request_next(session)
        return job.payload["dataset_version"] if job else None


def end(database: Database, kind: JobKind, state: JobState) -> None:
    """Let all jobs of this kind have ended a second from now."""
    with database.write() as session:
        for job in session.query(Job).filter_by(kind=kind):
            job.state, job.finished_at = state, utc_now() + timedelta(seconds=1)


def test_the_newest_version_is_looked_at_once(database: Database) -> None:
    assert asked_for(database) == 2
    assert asked_for(database) is None


def test_a_look_that_failed_is_not_repeated_by_itself(database: Database) -> None:
    asked_for(database)
    end(database, JobKind.REPORT, JobState.FAILED)
    assert asked_for(database) is None


@pytest.mark.parametrize(("space", "again"), [(None, 2), ("a-space", None)])
def test_photos_that_could_not_be_compared_are_looked_at_again_after_a_training(
    database: Database, space: str | None, again: int | None
) -> None:
    asked_for(database)
    with database.write() as session:
        reports.record(session, 2, [], space)
    end(database, JobKind.REPORT, JobState.SUCCEEDED)
    assert asked_for(database) is None
    add_job(database, JobKind.TRAIN, payload={"dataset_version": 2})
    assert asked_for(database) is None
    end(database, JobKind.TRAIN, JobState.SUCCEEDED)
    assert asked_for(database) == again
    assert asked_for(database) is None


def test_whoever_asks_for_a_look_at_the_same_moment_gets_the_same_one(database: Database) -> None:
    owner = add_user(database).id
    one, other = both(database, lambda session: reports.request(session, 2, owner).id)
    assert one == other
    end(database, JobKind.REPORT, JobState.SUCCEEDED)
    made = both(database, lambda session: reports.ensure(session, 2, owner))
    assert made.count(None) == 1


def test_maintenance_asks_for_no_second_look_at_the_same_moment(database: Database) -> None:
    owner = add_user(database).id
    _, again = overlapping(
        database, lambda session: reports.request(session, 2, owner).id, lambda: asked_for(database)
    )
    assert again is None


def test_without_a_dataset_version_there_is_nothing_to_look_at(database: Database) -> None:
    with database.write() as session:
        session.query(DatasetVersion).delete()
    assert asked_for(database) is None
