"""What goes in and out of the operators' part of the API: failures by cause, queues and workers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from shared.clock import as_utc, rfc3339
from shared.jobs.failures import Cause, Dealt, FailureGroup, Selection
from shared.jobs.figures import SILENCE, QueueFigures
from shared.jobs.states import JobKind
from shared.tables import WorkerHeartbeat
from web.api.schemas import Input


class CauseIn(Input):
    """Which failures: of one kind with one error code, or only those with one message."""

    kind: JobKind
    error_code: str = Field(min_length=1, max_length=60)
    message: str | None = Field(None, max_length=500, description="Only failures with just this message.")
    until: Annotated[datetime, AfterValidator(as_utc)] | None = Field(
        None,
        description="Only failures that ended up to this moment; all there are when left out. To go on with "
        "what was `left`, send the `until` of the first answer: what failed again meanwhile is left alone. "
        "Without a zone it is taken for UTC.",
    )

    def selected(self, by: str) -> Selection:
        """The failures this names, and who asks."""
        return Selection(Cause(self.kind, self.error_code, self.message), by, self.until)


class FailureOut(BaseModel):
    """Open failures with one cause."""

    kind: JobKind
    error_code: str
    message: str | None
    count: int
    quarantined: int = Field(description="How many of them took their worker down on every attempt.")
    first_seen: str
    last_seen: str
    sample_job_id: str = Field(description="The newest of them.")

    @classmethod
    def of(cls, group: FailureGroup) -> FailureOut:
        """The public view of a group."""
        return cls(
            kind=group.cause.kind,
            error_code=group.cause.error_code,
            message=group.cause.message,
            count=group.count,
            quarantined=group.quarantined,
            first_seen=rfc3339(group.first_seen) or "",
            last_seen=rfc3339(group.last_seen) or "",
            sample_job_id=group.sample_id,
        )


class FailuresOut(BaseModel):
    """Open failures by cause, the largest group first."""

    failures: list[FailureOut]
    more: bool = Field(description="There are more groups than are listed.")


class DealtOut(BaseModel):
    """What a call did with a group."""

    count: int = Field(description="How many failures this call dealt with.")
    left: int = Field(description="How many are left because the call had gone on for long enough.")
    until: str = Field(description="Send it with the next call to go on with what is left.")

    @classmethod
    def of(cls, dealt: Dealt) -> DealtOut:
        """The public view of what was done. All digits of the moment count when it comes back."""
        return cls(count=dealt.count, left=dealt.left, until=dealt.until.isoformat())


class QueueOut(BaseModel):
    """One kind of job: how much waits, for how long, and how much runs."""

    kind: JobKind
    queue: str
    waiting: int
    delayed: int = Field(description="How many of them sit out the pause after an error.")
    oldest_created_at: str | None
    oldest_age_seconds: float | None
    running: int
    workers: int = Field(description="Workers heard of within the last 30 seconds.")

    @classmethod
    def of(cls, figures: QueueFigures, now: datetime) -> QueueOut:
        """The public view of a queue's figures."""
        return cls(
            kind=figures.kind,
            queue=figures.queue,
            waiting=figures.waiting,
            delayed=figures.delayed,
            oldest_created_at=rfc3339(figures.oldest),
            oldest_age_seconds=(now - figures.oldest).total_seconds() if figures.oldest else None,
            running=figures.running,
            workers=figures.workers,
        )


class WorkerOut(BaseModel):
    """One worker process. `note` names a fallback; `engine` is null while it is loading."""

    name: str
    kind: str
    engine: str | None
    device: str | None
    note: str | None
    resident_bytes: int
    started_at: str
    seen_at: str
    silent: bool = Field(description="Not heard of for 30 seconds.")

    @classmethod
    def of(cls, worker: WorkerHeartbeat, now: datetime) -> WorkerOut:
        """The public view of a worker's sign of life."""
        return cls(
            name=worker.name,
            kind=worker.kind,
            engine=worker.engine,
            device=worker.device,
            note=worker.note,
            resident_bytes=worker.resident_bytes,
            started_at=rfc3339(worker.started_at) or "",
            seen_at=rfc3339(worker.seen_at) or "",
            silent=now - worker.seen_at > SILENCE,
        )


class QueuesOut(BaseModel):
    """Every queue, and every worker that has not signed off."""

    queues: list[QueueOut]
    workers: list[WorkerOut]
