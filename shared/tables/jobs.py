"""Jobs, their attempts and the keys under which requests were answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.jobs.states import JobKind, JobState
from shared.tables.base import Base, new_id

# A job that ended neither well nor on request, and nobody has dealt with it. Said without naming its states:
# SQLite would take an index over states for that, and read every failure there ever was.
OPEN_FAILURE = (
    "finished_at IS NOT NULL AND state NOT IN ('succeeded', 'cancelled') "
    "AND discarded_at IS NULL AND retried_as IS NULL"
)
# A job in quarantine that nobody has released. Said like this in the query, too, it is found by its index.
HELD_IN_QUARANTINE = "state = 'quarantined' AND retried_as IS NULL"


class Job(Base):
    """One unit of background work. The row is the job; a message in Redis is only a wake-up."""

    __tablename__ = "job"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    kind: Mapped[JobKind]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    photo_id: Mapped[str | None] = mapped_column(ForeignKey("photo.id"), index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3)
    run_after: Mapped[datetime] = mapped_column(default=utc_now)
    last_dispatch_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    stage: Mapped[str | None] = mapped_column(String(40))
    done: Mapped[int | None]
    total: Mapped[int | None]
    eta_seconds: Mapped[float | None]
    heartbeat_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(60))
    error_message: Mapped[str | None] = mapped_column(String(500))
    result: Mapped[dict[str, Any] | None]
    # What people decided about a job that has ended; its state stays what it was.
    retried_as: Mapped[str | None] = mapped_column(String(36))  # the id of the job that took its place
    discarded_at: Mapped[datetime | None]
    discarded_by: Mapped[str | None] = mapped_column(String(120))

    __table_args__ = (
        CheckConstraint(
            "(state IN ('succeeded', 'failed', 'cancelled', 'quarantined')) = (finished_at IS NOT NULL)",
            name="finished_when_terminal",
        ),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="leased_when_running"),
        Index("ix_job_claim", "state", "kind", "run_after", "id"),
        Index("ix_job_owner", "owner_id", "id"),
        Index("ix_job_state", "state", "id"),
        Index("ix_job_kind", "kind", "id"),  # a hundred trainings among a million photos
        Index("ix_job_ended", "kind", "finished_at"),  # what was done within an hour
        Index(
            "ix_job_unfinished",
            "owner_id",
            "kind",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
        Index(
            "ix_job_error",
            "error_code",
            "id",
            sqlite_where=text("error_code IS NOT NULL"),
            postgresql_where=text("error_code IS NOT NULL"),
        ),
        Index(
            "ix_job_quarantine",
            "photo_id",
            sqlite_where=text(HELD_IN_QUARANTINE),
            postgresql_where=text(HELD_IN_QUARANTINE),
        ),
        Index(
            "ix_job_open_failure",
            "kind",
            "error_code",
            "error_message",
            "finished_at",
            "state",
            "id",
            sqlite_where=text(OPEN_FAILURE),
            postgresql_where=text(OPEN_FAILURE),
        ),
    )


class JobLog(Base):
    """The last lines that workers logged about a long job, oldest first: a bounded list of texts."""

    __tablename__ = "job_log"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    lines: Mapped[list[Any]]


class IdempotencyKey(Base):
    """The first answer to a creating request, for whoever sends it again with the same key."""

    __tablename__ = "idempotency_key"

    owner_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class Attempt(Base):
    """One run of a job: by whom, from when to when, and how it ended."""

    __tablename__ = "attempt"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(String(120))
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)  # old ones are pruned
    outcome: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(String(500))
