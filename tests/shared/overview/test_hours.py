"""Hours that are kept say the same as the jobs, whatever happens to either."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, update

from shared.blobs import BlobStore
from shared.database import Database
from shared.overview import hours, tally
from shared.overview.tally import HOUR, Tally, hour_of
from shared.photos.deletion import delete_photo, delete_some_of, delete_traces_of
from shared.tables import HourlyFigures, Job
from tests.factories import add_answered, add_failures, add_photo, add_user

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still, or between two looks an hour more might be over."""
    monkeypatch.setattr(hours, "utc_now", lambda: NOW)


def last_days(database: Database, days: int = 7) -> dict[datetime, Tally]:
    since = hour_of(NOW) - days * 24 * HOUR
    with database.read() as session:
        found = hours.between(session, since, NOW + HOUR)
    return {hour: one for hour, one in found.items() if one.ended}


def from_jobs(database: Database, days: int = 7) -> dict[datetime, Tally]:
    since = hour_of(NOW) - days * 24 * HOUR
    with database.read() as session:
        return tally.count(session, since, NOW + HOUR)


def kept(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(HourlyFigures)) or 0


@pytest.fixture
def busy(database: Database) -> Database:
    """Photos of a week, one every nine hours, and one just now."""
    for number in range(18):
        add_answered(database, "hat" if number % 3 else "shirt", ended=NOW - number * timedelta(hours=9))
    add_failures(database, 2, finished_at=NOW - timedelta(hours=30))
    return database


def test_kept_hours_say_what_the_jobs_say(busy: Database) -> None:
    before = last_days(busy)
    assert before == from_jobs(busy)
    assert hours.keep(busy) > 24 * 7
    assert last_days(busy) == before
    assert sum(one.answered for one in before.values()) == 18


def test_keeping_twice_changes_nothing(busy: Database) -> None:
    hours.keep(busy)
    count = kept(busy)
    assert hours.keep(busy) == 0
    assert kept(busy) == count
    assert last_days(busy) == from_jobs(busy)


def test_what_ends_after_an_hour_was_kept_shows_once_a_new_hour_is_kept(busy: Database) -> None:
    hours.keep(busy)
    add_answered(busy, ended=NOW - timedelta(hours=3))  # by a machine whose clock was set back
    with busy.write() as session:
        newest = session.scalar(select(func.max(HourlyFigures.hour)))
        session.execute(delete(HourlyFigures).where(HourlyFigures.hour == newest))
    hours.keep(busy)
    assert last_days(busy) == from_jobs(busy)


def test_hours_that_are_missing_are_counted_from_the_jobs_until_they_are_kept_again(busy: Database) -> None:
    hours.keep(busy)
    count = kept(busy)
    middle = hour_of(NOW) - 80 * HOUR
    with busy.write() as session:
        session.execute(delete(HourlyFigures).where(HourlyFigures.hour.between(middle, middle + 10 * HOUR)))
    assert last_days(busy) == from_jobs(busy)
    hours.keep(busy)
    assert kept(busy) == count
    assert last_days(busy) == from_jobs(busy)


def test_old_hours_are_dropped(database: Database) -> None:
    long_ago = hour_of(NOW - hours.KEPT) - HOUR
    with database.write() as session:
        session.add(HourlyFigures(hour=long_ago, figures=Tally().as_json()))
    hours.keep(database)
    with database.read() as session:
        assert session.get(HourlyFigures, long_ago) is None


def test_an_hour_is_counted_again_when_one_of_its_photos_is_deleted(
    database: Database, blobs: BlobStore
) -> None:
    seller = add_user(database)
    photo = add_photo(database, blobs, seller)
    ended = NOW - timedelta(days=3)
    add_answered(database, owner_id=seller.id, photo_id=photo.id, ended=ended)
    hours.keep(database)
    with database.write() as session:
        delete_photo(session, photo.id)
    assert hours.keep(database) == 1
    assert last_days(database) == from_jobs(database)
    assert [one.given.total() for one in last_days(database).values()] == [0]


def test_hours_are_counted_again_when_somebodys_jobs_go(database: Database, blobs: BlobStore) -> None:
    seller = add_user(database)
    for seed in range(3):
        photo = add_photo(database, blobs, seller, seed)
        ended = NOW - timedelta(days=2 + seed)
        add_answered(database, owner_id=seller.id, photo_id=photo.id, ended=ended)
    hours.keep(database)
    with database.write() as session:
        while delete_some_of(session, seller.id):
            pass
        delete_traces_of(session, seller.id)
    assert hours.keep(database) == 3
    assert last_days(database) == {}


def test_a_wait_of_a_clock_that_was_set_back_counts_as_none(database: Database) -> None:
    job = add_answered(database, ended=NOW)
    with database.write() as session:
        session.execute(update(Job).where(Job.id == job.id).values(created_at=NOW + timedelta(hours=2)))
    (found,) = last_days(database).values()
    assert found.wait_seconds(0.5) == pytest.approx(0.01, rel=0.1)
