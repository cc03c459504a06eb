"""What one person may use: refused in time, in a sentence, and counted for nobody else."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from shared import quotas
from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs.states import JobKind
from shared.limit_errors import QuotaExceededError, StorageQuotaError, TrainingQuotaError
from shared.settings import Settings
from tests.factories import add_failures, add_job, add_listing, add_photo, add_user


def check(database: Database, settings: Settings, owner_id: str, size: int = 1000) -> None:
    with database.read() as session:
        quotas.PhotoRoom().require(session, settings, owner_id, [size])


def test_photos_of_a_day_are_counted_by_person(
    database: Database, blobs: BlobStore, settings: Settings
) -> None:
    sam, eve = add_user(database, "Sam"), add_user(database, "Eve")
    photo = add_photo(database, blobs, sam)
    tight = dataclasses.replace(settings, quota_photos_per_day=2)
    for _ in range(2):  # the same photo, sent again
        check(database, tight, sam.id)
        add_job(database, owner_id=sam.id, photo_id=photo.id)
    with pytest.raises(QuotaExceededError, match="2 photos within 24 hours") as refusal:
        check(database, tight, sam.id)
    assert 86_000 < refusal.value.retry_after <= 86_400
    check(database, tight, eve.id)
    check(database, dataclasses.replace(tight, quota_photos_per_day=0), sam.id)


def test_what_was_sent_a_day_ago_counts_no_more(
    database: Database, blobs: BlobStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam, now = add_user(database), utc_now()
    tight = dataclasses.replace(settings, quota_photos_per_day=1, quota_listings_per_day=1)
    add_failures(database, owner_id=sam.id)
    add_listing(database, sam)
    with pytest.raises(QuotaExceededError):
        check(database, tight, sam.id)
    with pytest.raises(QuotaExceededError, match="1 listings"), database.read() as session:
        quotas.require_room_for_listing(session, tight, sam.id)
    monkeypatch.setattr(quotas, "utc_now", lambda: now + quotas.DAY + timedelta(minutes=1))
    check(database, tight, sam.id)
    with database.read() as session:
        quotas.require_room_for_listing(session, tight, sam.id)


def test_jobs_count_until_they_have_ended(database: Database, settings: Settings) -> None:
    sam = add_user(database)
    tight = dataclasses.replace(settings, quota_waiting_jobs=1)
    add_failures(database, 3, owner_id=sam.id)
    check(database, tight, sam.id)
    add_job(database, owner_id=sam.id)
    with pytest.raises(QuotaExceededError, match="wait for their answers"):
        check(database, tight, sam.id)


def test_room_is_counted_in_bytes_that_are_kept(
    database: Database, blobs: BlobStore, settings: Settings
) -> None:
    sam = add_user(database)
    photo = add_photo(database, blobs, sam)
    tight = dataclasses.replace(settings, quota_storage_gb=1)
    check(database, tight, sam.id, quotas.GB - photo.size)
    with pytest.raises(StorageQuotaError):
        check(database, tight, sam.id, quotas.GB - photo.size + 1)


def test_a_count_is_believed_for_a_hundredth_of_what_was_left(
    database: Database, blobs: BlobStore, settings: Settings
) -> None:
    sam, room = add_user(database), quotas.PhotoRoom()
    tight = dataclasses.replace(settings, quota_photos_per_day=301)
    add_failures(database, 99, owner_id=sam.id)

    def send() -> None:
        with database.write() as session:
            room.require(session, tight, sam.id, [1000])
        add_job(database, owner_id=sam.id)

    for _ in range(202):
        send()
    with pytest.raises(QuotaExceededError):
        send()


def test_between_two_counts_the_database_is_not_asked(database: Database, settings: Settings) -> None:
    sam, room = add_user(database), quotas.PhotoRoom()
    with database.read() as session:
        room.require(session, settings, sam.id, [1000])
        session.close()
        room.require(session, settings, sam.id, [1000])
        assert not session.in_transaction()


def test_trainings_count_until_they_have_ended(database: Database, settings: Settings) -> None:
    ada = add_user(database, "Ada", "admin")
    one = dataclasses.replace(settings, quota_trainings=1)
    add_failures(database, kind=JobKind.TRAIN, owner_id=ada.id)
    with database.read() as session:
        quotas.require_room_for_training(session, one, ada.id)
    add_job(database, JobKind.TRAIN, owner_id=ada.id)
    with pytest.raises(TrainingQuotaError), database.read() as session:
        quotas.require_room_for_training(session, one, ada.id)


def test_the_defaults_let_a_thousand_photos_through(settings: Settings) -> None:
    assert settings.quota_photos_per_day > 10_000
    assert settings.quota_waiting_jobs > 10_000
    assert settings.quota_listings_per_day > 2 * 1_000
    assert settings.rate_writes > 1_000
    assert settings.rate_reads > 5 * 1_000
