"""Jobs, batches and moves of aliases as people's programs see them: the API and webhooks give the same."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from shared.batches import ItemState, Summary
from shared.clock import rfc3339
from shared.jobs.states import JobKind, JobState
from shared.tables import AliasChange, Job


class ProgressOut(BaseModel):
    """How far a job is."""

    stage: str | None
    done: int | None
    total: int | None
    eta_seconds: float | None


class JobErrorOut(BaseModel):
    """Why a job failed."""

    code: str
    message: str


class JobOut(BaseModel):
    """One job. `result` depends on its kind; of one that was cancelled it says so, or is null."""

    id: str
    kind: JobKind
    state: JobState
    attempt: int
    progress: ProgressOut
    created_at: str
    started_at: str | None
    finished_at: str | None
    cancel_requested_at: str | None
    error: JobErrorOut | None
    result: dict[str, Any] | None
    retried_as: str | None = Field(None, description="The id of the job that took its place.")
    discarded_at: str | None = None
    discarded_by: str | None = None
    photo_name: str | None = Field(
        None, exclude_if=lambda name: name is None, description="In lists: its photo's file name."
    )

    @classmethod
    def of(cls, job: Job, photo_name: str | None = None) -> JobOut:
        """The public view of a job row."""
        error = job.error_code and JobErrorOut(code=job.error_code, message=job.error_message or "")
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state,
            attempt=job.attempt,
            progress=ProgressOut(
                stage=job.stage, done=job.done, total=job.total, eta_seconds=job.eta_seconds
            ),
            created_at=rfc3339(job.created_at) or "",
            started_at=rfc3339(job.started_at),
            finished_at=rfc3339(job.finished_at),
            cancel_requested_at=rfc3339(job.cancel_requested_at),
            error=error or None,
            result=job.result,
            retried_as=job.retried_as,
            discarded_at=rfc3339(job.discarded_at),
            discarded_by=job.discarded_by,
            photo_name=photo_name,
        )


class BatchOut(BaseModel):
    """One batch in figures."""

    id: str
    created_at: str = Field(description="RFC 3339, UTC.")
    total: int = Field(description="Files in it.")
    finished: bool = Field(description="Whether every file has its final outcome.")
    counts: dict[ItemState, int] = Field(description="Files by state; states without any are left out.")

    @classmethod
    def of(cls, summary: Summary) -> BatchOut:
        """The public view of a batch."""
        return cls(
            id=summary.batch.id,
            created_at=rfc3339(summary.batch.created_at) or "",
            total=summary.total,
            finished=not summary.unfinished,
            counts=summary.counts,
        )


class AliasChangeOut(BaseModel):
    """One move of an alias."""

    before: int | None
    after: int | None = Field(description="Null when the name was taken away.")
    actor: str
    reason: str
    created_at: str
    gate: dict[str, Any] | None = Field(None, description="What the gate said, where it was asked.")

    @classmethod
    def of(cls, change: AliasChange) -> AliasChangeOut:
        """The public view of a row."""
        return cls(
            before=change.before,
            after=change.after,
            actor=change.actor,
            reason=change.reason,
            created_at=rfc3339(change.created_at) or "",
            gate=change.gate,
        )
