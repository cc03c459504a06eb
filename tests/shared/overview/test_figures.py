"""What was done within a window: counted from jobs and listings, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import update

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs.states import JobKind, JobState
from shared.listings import store as listings
from shared.models import registry
from shared.overview.figures import CategoryFigures, Done, VersionFigures, Window, done
from shared.tables import AliasChange, Listing, ModelVersion
from tests.factories import (
    add_answer,
    add_answered,
    add_champion,
    add_failures,
    add_job,
    add_listing,
    add_photo,
    add_user,
    add_version,
)

# In the middle of an hour, and of six of them.
NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def look(database: Database, window: Window = Window.DAY, champion: ModelVersion | None = None) -> Done:
    with database.read() as session:
        return done(session, window, champion, NOW)


def category(found: Done, name: str) -> CategoryFigures:
    (row,) = [row for row in found.categories if row.category == name]
    return row


def ago(**parts: Any) -> datetime:
    return NOW - timedelta(**parts)


@pytest.mark.parametrize(
    ("window", "length", "count"), [(Window.DAY, 1, 24), (Window.WEEK, 6, 28), (Window.MONTH, 24, 30)]
)
def test_a_window_is_divided_at_whole_hours_and_ends_with_now(
    database: Database, window: Window, length: int, count: int
) -> None:
    bins = look(database, window).bins
    assert len(bins) == count
    assert {one.until - one.since for one in bins} == {timedelta(hours=length)}
    assert all(before.until == after.since for before, after in pairwise(bins))
    assert bins[-1].since <= NOW < bins[-1].until
    assert bins[0].since.hour % length == 0
    assert bins[0].since.minute == 0


def test_photos_count_in_the_bin_in_which_they_ended(database: Database) -> None:
    for minutes in (0, 29, 31, 90, 91, 92):  # 8:30, 8:01, 7:59, 7:00, 6:59, 6:58
        add_answered(database, ended=ago(minutes=minutes))
    add_answered(database, ended=ago(days=2))
    add_failures(database, 2, finished_at=ago(minutes=5))
    add_failures(database, state=JobState.QUARANTINED, finished_at=ago(minutes=5))
    add_failures(database, kind=JobKind.TRAIN, finished_at=ago(minutes=5))
    add_job(database)
    found = look(database)
    assert [one.tally.answered for one in found.bins[-4:]] == [0, 2, 2, 2]
    assert [one.tally.failed for one in found.bins[-2:]] == [0, 3]
    assert (found.total.answered, found.total.failed) == (6, 3)
    assert look(database, Window.WEEK).total.answered == 7


def test_waits_are_told_as_percentiles_right_to_five_percent(database: Database) -> None:
    for seconds in range(1, 101):
        add_answered(database, ended=ago(minutes=1), waited=timedelta(seconds=seconds / 10))
    total = look(database).total
    assert total.wait_seconds(0.5) == pytest.approx(5.0, rel=0.06)
    assert total.wait_seconds(0.95) == pytest.approx(9.5, rel=0.06)


def test_a_window_without_answers_has_no_percentiles_and_no_shares(database: Database) -> None:
    found = look(database)
    assert found.total.wait_seconds(0.5) is None
    assert found.shift is None
    assert found.categories == []


def test_the_mix_of_answers_stands_beside_what_the_champion_learned_from(
    database: Database, blobs: BlobStore
) -> None:
    champion = add_champion(database, blobs)
    champion.lineage = {"dataset_counts": {"train": {"dress": 10, "hat": 10, "shirt": 20}}}
    for name in ("hat", "hat", "hat", "shirt"):
        add_answered(database, name, ended=ago(minutes=1))
    found = look(database, champion=champion)
    assert category(found, "hat").mix == 0.75
    assert category(found, "hat").trained_mix == 0.25
    assert category(found, "dress").answered == 0
    assert found.shift == pytest.approx(0.5)


def test_a_version_that_does_not_say_what_it_learned_from_has_no_shift(
    database: Database, blobs: BlobStore
) -> None:
    champion = add_champion(database, blobs)
    add_answered(database, ended=ago(minutes=1))
    assert category(look(database, champion=champion), "hat").trained_mix is None
    assert look(database, champion=champion).shift is None


def test_answers_that_ask_are_counted_by_category_and_by_version(database: Database) -> None:
    for decision, version in (("ask", 1), ("suggest", 1), ("suggest", 2)):
        add_answered(database, decision=decision, version=version, ended=ago(minutes=1))
    found = look(database)
    assert found.total.asked == 1
    assert (category(found, "hat").answered, category(found, "hat").asked) == (3, 1)
    assert found.versions == [VersionFigures(1, 2, 1), VersionFigures(2, 1, 0)]


def test_what_sellers_decided_counts_for_the_category_that_was_suggested(
    database: Database, blobs: BlobStore
) -> None:
    seller, champion = add_user(database), add_champion(database, blobs)
    made = [_decided(database, blobs, seller, champion, seed) for seed in range(4)]
    _choose(database, made[0], "hat")
    _choose(database, made[1], "shirt")
    _choose(database, made[2], "shirt")
    _choose(database, made[2], "hat")  # thought better of it: the newest choice counts
    _choose(database, made[3], "dress")
    with database.write() as session:
        listings.remove(session, listings.find(session, made[3].id))
    row = category(look(database), "hat")
    assert (row.decided, row.corrected) == (3, 1)


def test_a_change_of_champion_within_the_window_is_marked(database: Database, blobs: BlobStore) -> None:
    add_champion(database, blobs)
    second = add_version(database, blobs, seed=1)
    with database.write() as session:
        session.execute(update(AliasChange).values(created_at=ago(days=3)))
        registry.promote(session, second.number, "Ada", "Better.")
    with database.write() as session:
        session.execute(update(AliasChange).where(AliasChange.after == 2).values(created_at=ago(hours=2)))
    assert [change.after for change in look(database).changes] == [2]
    assert [change.after for change in look(database, Window.WEEK).changes] == [1, 2]


def _decided(database: Database, blobs: BlobStore, seller: Any, champion: ModelVersion, seed: int) -> Listing:
    """A listing for which a hat is suggested."""
    photo = add_photo(database, blobs, seller, seed)
    add_answer(database, photo, champion, hat=0.9, shirt=0.1)
    return add_listing(database, seller, photo)


def _choose(database: Database, listing: Listing, answer: str) -> None:
    with database.write() as session:
        found = listings.find(session, listing.id, change=True)
        listings.choose(session, found, found.owner_id, answer)
        found.chosen_at = ago(minutes=1)
