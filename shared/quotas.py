"""What one person may use. Checked in the transaction that accepts, so that nothing slips in between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import ceil

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.jobs.states import JobKind
from shared.limit_errors import QuotaExceededError, StorageQuotaError, TrainingQuotaError
from shared.settings import Settings
from shared.tables import Job, Photo

DAY = timedelta(days=1)
GB = 10**9
# When to look again whether jobs have ended.
JOBS_RETRY_SECONDS = 60


def require_room_for_photos(
    session: Session, settings: Settings, owner_id: str, sizes: Sequence[int]
) -> None:
    """See that a person may have more photos of `sizes` bytes, and a job for each.

    Raises:
        QuotaExceededError: too many photos within a day, or too many jobs that wait.
        StorageQuotaError: no room is left for this person.
    """
    _check_photos_of_the_day(session, settings.quota_photos_per_day, owner_id, len(sizes))
    _check_waiting_jobs(session, settings.quota_waiting_jobs, owner_id, len(sizes))
    _check_storage(session, settings.quota_storage_gb, owner_id, sum(sizes))


def require_room_for_training(session: Session, settings: Settings, owner_id: str) -> None:
    """See that a person may have another training or sweep.

    Raises:
        TrainingQuotaError: as many as may be wait or run already.
    """
    quota = settings.quota_trainings
    if quota and _unfinished(session, owner_id, JobKind.TRAIN, JobKind.SWEEP) >= quota:
        raise TrainingQuotaError


def _check_photos_of_the_day(session: Session, quota: int, owner_id: str, more: int) -> None:
    if not quota:
        return
    now = utc_now()
    today = (Photo.owner_id == owner_id, Photo.created_at > now - DAY)
    count, oldest = session.execute(
        select(func.count(), func.min(Photo.created_at)).select_from(Photo).where(*today)
    ).one()
    if count + more > quota:
        raise QuotaExceededError(
            f"One person may send {quota:,} photos within 24 hours here, and you have sent {count:,}. "
            "Those are safe; please send the others later, or ask an administrator.",
            ceil(((oldest or now) + DAY - now).total_seconds()),
        )


def _check_waiting_jobs(session: Session, quota: int, owner_id: str, more: int) -> None:
    if quota and _unfinished(session, owner_id, JobKind.CLASSIFY) + more > quota:
        raise QuotaExceededError(
            f"{quota:,} photos of one person may wait for their answers here. "
            "Please send the others when some of yours are answered.",
            JOBS_RETRY_SECONDS,
        )


def _check_storage(session: Session, quota: int, owner_id: str, size: int) -> None:
    if not quota:
        return
    used = session.scalar(select(func.sum(Photo.size)).where(Photo.owner_id == owner_id)) or 0
    if used + size > quota * GB:
        raise StorageQuotaError


def _unfinished(session: Session, owner_id: str, *kinds: JobKind) -> int:
    theirs = (Job.owner_id == owner_id, Job.kind.in_(kinds), Job.finished_at.is_(None))
    return session.scalar(select(func.count()).select_from(Job).where(*theirs)) or 0
