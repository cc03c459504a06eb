"""Jobs as rows of a table and as a page of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import PhotoDeletedError
from shared.jobs.outcome import Outcome
from shared.jobs.states import ACTIVE, TERMINAL, JobKind, JobState
from shared.models.confidence import ASK
from shared.tables import Attempt, Job, Photo
from web.pages.present.moments import between, duration_text, moment_text
from web.pages.present.words import (
    StateWord,
    category_label,
    confidence,
    kind_word,
    percent,
    plural,
    sentence_case,
    state_words,
)

OUTCOMES = {
    "succeeded": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "retried": "Failed, tried again",
    "worker_lost": "Worker lost",
}


@dataclass(frozen=True, slots=True)
class ProgressView:
    """How far a job is. `total` is 0 while that is not known."""

    stage: str
    done: int
    total: int
    eta: str | None

    @property
    def text(self) -> str:
        """The progress in words."""
        parts = [self.stage]
        if self.total:
            parts.append(f"{self.done:,} of {self.total:,}")
        if self.eta:
            parts.append(f"{self.eta} left")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One line of the jobs table."""

    id: str
    kind: str
    name: str | None
    state: StateWord
    active: bool
    progress: ProgressView | None
    attempt: str
    created_at: datetime
    waited: str
    duration: str
    error: str | None
    summary: str
    version: int | None
    photo_id: str | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One run of a job."""

    number: int
    worker: str
    started_at: datetime
    duration: str
    outcome: str
    error: str | None


def job_row(
    job: Job, photo: Photo | None, now: datetime, *, operator: bool = True, batch_name: str = ""
) -> JobRow:
    """A job as the table shows it, in the words of operators or of sellers. `batch_name` is what the batch
    calls the photo that was sent in one: its folder tells it from others with the same name."""
    end = job.finished_at or (now if job.state in ACTIVE else None)
    waited = duration_text(between(job.created_at, job.started_at or end))
    return JobRow(
        id=job.id,
        kind=kind_word(job.kind),
        name=(batch_name or photo.name) if photo else None,
        state=state_words(operator=operator)[job.state],
        active=job.state in ACTIVE,
        progress=_progress(job),
        attempt=f"{job.attempt} of {job.max_attempts}" if job.attempt else "–",
        created_at=job.created_at,
        waited=waited,
        duration=duration_text(between(job.started_at, end)),
        error=job.error_message if job.state is not JobState.SUCCEEDED else None,
        summary=_summary(job, waited),
        version=_version(job),
        photo_id=job.photo_id,
    )


def attempt_row(attempt: Attempt, now: datetime) -> AttemptRow:
    """One run of a job as its page shows it."""
    outcome = attempt.outcome or "running"
    return AttemptRow(
        number=attempt.number,
        worker=attempt.worker,
        started_at=attempt.started_at,
        duration=duration_text(between(attempt.started_at, attempt.ended_at or now)),
        outcome=OUTCOMES.get(outcome, sentence_case(outcome)),
        error=attempt.error_message,
    )


def may_cancel(job: Job) -> bool:
    """Whether asking this job to stop would still change something."""
    return job.state in ACTIVE and job.cancel_requested_at is None


def may_retry(job: Job, *, operator: bool) -> bool:
    """Whether the same task can be queued again by this reader, and has not been."""
    states = TERMINAL - {JobState.SUCCEEDED}
    may = states if operator else states - {JobState.QUARANTINED}
    return job.retried_as is None and job.state in may and job.error_code != PhotoDeletedError.code


def outcome_sentence(outcome: Outcome) -> str:
    """Which jobs are chosen by their end and their answer, in words; empty when all are."""
    parts = []
    if outcome.category is not None:
        parts.append(f"answered {category_label(outcome.category)}")
    if outcome.decision is not None:
        parts.append("left to the seller" if outcome.decision == ASK else "suggested")
    if outcome.model_version is not None:
        parts.append(f"answered by version {outcome.model_version}")
    if outcome.ended_from is not None:
        parts.append(f"ended {moment_text(outcome.ended_from)} or later")
    if outcome.ended_before is not None:
        parts.append(f"ended before {moment_text(outcome.ended_before)}")
    return f"Only these: {'; '.join(parts)}." if parts else ""


def _progress(job: Job) -> ProgressView | None:
    if job.state is not JobState.RUNNING or not job.stage:
        return None
    eta = duration_text(job.eta_seconds) if job.eta_seconds is not None else None
    return ProgressView(sentence_case(job.stage), job.done or 0, job.total or 0, eta)


def _version(job: Job) -> int | None:
    value = (job.result or {}).get("model_version")
    return value if isinstance(value, int) else None


def _summary(job: Job, waited: str) -> str:
    """The outcome, or what the job is at, in a few words."""
    if job.state is not JobState.SUCCEEDED or not job.result:
        return _without_result(job, waited)
    return OUTCOME_OF.get(job.kind, _made)(job.result)


def _without_result(job: Job, waited: str) -> str:
    if job.error_code == PhotoDeletedError.code:
        return "Photo deleted"
    if job.state is JobState.RUNNING:
        return "Looking at it" if job.kind is JobKind.CLASSIFY else "Getting ready"
    return {JobState.QUEUED: f"Waiting for {waited}", JobState.CANCELLED: "Stopped on request"}.get(
        job.state, ""
    )


def _made(result: dict[str, Any]) -> str:
    version = result.get("model_version")
    return f"Made version {version}" if isinstance(version, int) else ""


def _judged(result: dict[str, Any]) -> str:
    return f"Version {result.get('model_version')} {'passed' if result.get('passed') else 'was refused'}"


def _compared(result: dict[str, Any]) -> str:
    first, second = result["versions"]
    return f"Version {second} fixes {result['fixed']} and breaks {result['broken']} of version {first}"


def _found(result: dict[str, Any]) -> str:
    return plural(result.get("findings", 0), "finding", "findings")


def _tried(result: dict[str, Any]) -> str:
    return ", ".join(category_label(answer["category"]) for answer in result["answers"])


def _answer(result: dict[str, Any]) -> str:
    sure = confidence(result["confidence"], result["decision"])
    label, figure = category_label(result["category"]), percent(result["confidence"])
    return (
        f"Not sure, perhaps {label}, {figure}"
        if sure.level == "ask"
        else f"{label}, {sure.word.lower()}, {figure}"
    )


# What came out of a job of each kind, in words; most make a version.
OUTCOME_OF: dict[JobKind, Callable[[dict[str, Any]], str]] = {
    JobKind.CLASSIFY: _answer,
    JobKind.REPORT: _found,
    JobKind.QUANTIZE: _judged,
    JobKind.RESCORE: _compared,
    JobKind.TRY: _tried,
}
