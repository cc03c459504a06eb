"""What one person may use. Checked in the transaction that accepts, so that nothing slips in between."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.errors import QuotaExceededError, StorageQuotaError, TrainingQuotaError
from shared.jobs.states import JobKind
from shared.settings import Settings
from shared.tables import Job, Photo

DAY = timedelta(days=1)
GB = 10**9
# When to look again whether jobs have ended.
JOBS_RETRY_SECONDS = 60


def require_room_for_photo(session: Session, settings: Settings, owner_id: str, size: int) -> None:
    """See that a person may have another photo of `size` bytes, and a job for it.

    Raises:
        QuotaExceededError: too many photos within a day, or too many jobs that wait.
        StorageQuotaError: no room is left for this person.
    """
    _check_photos_of_the_day(session, settings.quota_photos_per_day, owner_id)
    _check_waiting_jobs(session, settings.quota_waiting_jobs, owner_id)
    _check_storage(session, settings.quota_storage_gb, owner_id, size)


def require_room_for_training(session: Session, settings: Settings, owner_id: str) -> None:
    """See that a person may have another training.

    Raises:
        TrainingQuotaError: as many as may be wait or run already.
    """
    quota = settings.quota_trainings
    if quota and _unfinished(session, owner_id, JobKind.TRAIN) >= quota:
        raise TrainingQuotaError


def _check_photos_of_the_day(session: Session, quota: int, owner_id: str) -> None:
    if not quota:
        return
    now = utc_now()
    today = (Photo.owner_id == owner_id, Photo.created_at > now - DAY)
    count, oldest = session.execute(
        select(func.count(), func.min(Photo.created_at)).select_from(Photo).where(*today)
    ).one()
    if count >= quota:
        raise QuotaExceededError(
            f"You have sent {count:,} photos within 24 hours, which is as many as one person may here. "
            "Those are safe; please send the others later, or ask an administrator.",
            ceil((oldest + DAY - now).total_seconds()),
        )


def _check_waiting_jobs(session: Session, quota: int, owner_id: str) -> None:
    if quota and _unfinished(session, owner_id, JobKind.CLASSIFY) >= quota:
        raise QuotaExceededError(
            f"{quota:,} of your photos wait for their answers, which is as many as one person may have "
            "waiting here. Please send the others when some are answered.",
            JOBS_RETRY_SECONDS,
        )


def _check_storage(session: Session, quota: int, owner_id: str, size: int) -> None:
    if not quota:
        return
    used = session.scalar(select(func.sum(Photo.size)).where(Photo.owner_id == owner_id)) or 0
    if used + size > quota * GB:
        raise StorageQuotaError


def _unfinished(session: Session, owner_id: str, kind: JobKind) -> int:
    query = select(func.count()).select_from(Job)
    return (
        session.scalar(query.where(Job.owner_id == owner_id, Job.kind == kind, Job.finished_at.is_(None)))
        or 0
    )
