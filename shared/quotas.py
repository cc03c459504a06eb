"""What one person may use. Checked in the transaction that accepts.

On PostgreSQL, requests accepted in the same moment do not see each other: a person may get a few more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.jobs.states import JobKind
from shared.limit_errors import QuotaExceededError, StorageQuotaError, TrainingQuotaError
from shared.settings import Settings
from shared.tables import Batch, BatchItem, Job, Listing, Photo
from shared.tables.base import id_at, moment_of

DAY = timedelta(days=1)
GB = 10**9
# When to look again whether jobs have ended.
JOBS_RETRY_SECONDS = 60
# Counting takes longer the more a person has sent. Of what was left at the last count, so much may be used
# before the next one; processes that count beside each other overrun a quota by this share each at most.
UNCOUNTED_SHARE = 0.01
# How long a count is believed, and of how many people; both only bound what is kept in memory.
COUNT_SECONDS = 60.0
COUNTS_KEPT = 1000
# Where there is no limit; more than anybody sends between two counts.
UNLIMITED = 10**15


@dataclass(slots=True)
class _Room:
    """What a person may still have, as far as it need not be counted again."""

    photos: int
    size: int  # in bytes
    until: float  # on the monotonic clock


class PhotoRoom:
    """Sees that people keep within their quotas without counting all that is theirs at each photo."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, _Room] = {}

    def require(
        self, session: Session, settings: Settings, owner_id: str, sizes: Sequence[int], refused: int = 0
    ) -> None:
        """See that a person may have more photos of `sizes` bytes, and a job for each.

        A photo that was sent before counts again, and so do the `refused` files of a batch: each leaves a
        row.

        Raises:
            QuotaExceededError: too many photos within a day, or too many jobs that wait.
            StorageQuotaError: no room is left for this person.
        """
        photos, size = len(sizes) + refused, sum(sizes)
        if self._take(owner_id, photos, size):
            return
        left = (
            _photos_left_today(session, settings.quota_photos_per_day, owner_id, photos),
            _waiting_jobs_left(session, settings.quota_waiting_jobs, owner_id, len(sizes)),
        )
        bytes_left = _bytes_left(session, settings.quota_storage_gb, owner_id, size)
        self._remember(owner_id, min(left), bytes_left)

    def _take(self, owner_id: str, photos: int, size: int) -> bool:
        """Whether so much is certainly left; then it is taken."""
        with self._lock:
            room = self._left.get(owner_id)
            if room is None or room.until < time.monotonic() or room.photos < photos or room.size < size:
                return False
            room.photos -= photos
            room.size -= size
            return True

    def _remember(self, owner_id: str, photos: int, size: int) -> None:
        until = time.monotonic() + COUNT_SECONDS
        with self._lock:
            if len(self._left) >= COUNTS_KEPT:
                self._left.clear()
            self._left[owner_id] = _Room(int(photos * UNCOUNTED_SHARE), int(size * UNCOUNTED_SHARE), until)


def require_room_for_listing(session: Session, settings: Settings, owner_id: str) -> None:
    """See that a person may begin another listing.

    Raises:
        QuotaExceededError: too many within a day, those that were removed again included.
    """
    quota, begun = settings.quota_listings_per_day, utc_now() - DAY
    if not quota:
        return
    today = (Listing.owner_id == owner_id, Listing.id > id_at(begun))
    count, oldest = session.execute(select(func.count(), func.min(Listing.id)).where(*today)).one()
    if count >= quota:
        raise QuotaExceededError(
            f"One person may begin {quota:,} listings within 24 hours here, and you have begun as many. "
            "Those are safe; please begin the others later, or ask an administrator.",
            _seconds_until_a_day_after(oldest),
        )


def require_room_for_training(session: Session, settings: Settings, owner_id: str, more: int = 1) -> None:
    """See that a person may have `more` trainings or sweeps than wait or run now.

    Raises:
        TrainingQuotaError: as many as may be wait or run already.
    """
    quota = settings.quota_trainings
    if quota and _unfinished(session, owner_id, JobKind.TRAIN, JobKind.SWEEP) + more > quota:
        raise TrainingQuotaError


def _photos_left_today(session: Session, quota: int, owner_id: str, more: int) -> int:
    if not quota:
        return UNLIMITED
    begun = id_at(utc_now() - DAY)
    # Ids tell when, and lie in the index over owners: no row is read.
    jobs = select(func.count(), func.min(Job.id)).where(Job.owner_id == owner_id, Job.id > begun)
    batches = (
        select(func.count(), func.min(Batch.id))
        .join(BatchItem, BatchItem.batch_id == Batch.id)
        .where(Batch.owner_id == owner_id, Batch.id > begun)
    )
    count, oldest = max((session.execute(query).one() for query in (jobs, batches)), key=lambda row: row[0])
    if count + more > quota:
        raise QuotaExceededError(
            f"One person may send {quota:,} photos within 24 hours here, and you have sent {count:,}. "
            "Those are safe; please send the others later, or ask an administrator.",
            _seconds_until_a_day_after(oldest),
        )
    return int(quota - count - more)


def _seconds_until_a_day_after(oldest: str | None) -> int:
    now = utc_now()
    return ceil(((moment_of(oldest) if oldest else now) + DAY - now).total_seconds())


def _waiting_jobs_left(session: Session, quota: int, owner_id: str, more: int) -> int:
    if not quota:
        return UNLIMITED
    left = quota - _unfinished(session, owner_id, JobKind.CLASSIFY) - more
    if left < 0:
        raise QuotaExceededError(
            f"{quota:,} photos of one person may wait for their answers here. "
            "Please send the others when some of yours are answered.",
            JOBS_RETRY_SECONDS,
        )
    return left


def _bytes_left(session: Session, quota: int, owner_id: str, more: int) -> int:
    if not quota:
        return UNLIMITED
    used = session.scalar(select(func.sum(Photo.size)).where(Photo.owner_id == owner_id)) or 0
    if used + more > quota * GB:
        raise StorageQuotaError
    return int(quota * GB - used - more)


def _unfinished(session: Session, owner_id: str, *kinds: JobKind) -> int:
    theirs = (Job.owner_id == owner_id, Job.kind.in_(kinds), Job.finished_at.is_(None))
    return session.scalar(select(func.count()).select_from(Job).where(*theirs)) or 0
