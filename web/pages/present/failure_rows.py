"""Failures by cause, and the quarantine, as operators see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.jobs.failures import Dealt, FailureGroup
from shared.jobs.states import Handling, JobKind, JobState
from shared.tables import Attempt, Job, Photo
from web.pages.present.words import STATE_WORDS, StateWord, kind_word, plural

HANDLING_WORDS = {
    Handling.OPEN: "Open",
    Handling.RETRIED: "Tried again",
    Handling.DISCARDED: "Discarded",
}
NOUNS = {
    JobKind.CLASSIFY: ("photo", "photos"),
    JobKind.TRAIN: ("training", "trainings"),
    JobKind.SWEEP: ("sweep", "sweeps"),
    JobKind.REPORT: ("dataset report", "dataset reports"),
    JobKind.QUANTIZE: ("8-bit check", "8-bit checks"),
    JobKind.RESCORE: ("comparison", "comparisons"),
    JobKind.IMAGENET: ("untouched network", "untouched networks"),
    JobKind.TRY: ("try-out", "try-outs"),
}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Failures with one cause. `things` counts them in words: "3 photos"."""

    kind: JobKind
    kind_word: str
    error_code: str
    message: str | None
    state: StateWord
    count: int
    things: str
    quarantined: int
    first_seen: datetime
    last_seen: datetime
    sample_id: str
    sample_photo_id: str | None

    @property
    def address(self) -> dict[str, str | None]:
        """What names this group in an address."""
        return {"kind": self.kind.value, "error_code": self.error_code, "message": self.message}


@dataclass(frozen=True, slots=True)
class QuarantineCard:
    """A job in quarantine."""

    id: str
    kind: str
    name: str
    photo_id: str | None
    attempts: str
    workers: list[str]
    ended_at: datetime | None


def group_row(group: FailureGroup, samples: Mapping[str, Job]) -> GroupRow:
    """A group as the table shows it."""
    cause = group.cause
    sample = samples.get(group.sample_id)
    return GroupRow(
        kind=cause.kind,
        kind_word=kind_word(cause.kind),
        error_code=cause.error_code,
        message=cause.message,
        state=STATE_WORDS[JobState.QUARANTINED if group.quarantined else JobState.FAILED],
        count=group.count,
        things=things(cause.kind, group.count),
        quarantined=group.quarantined,
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        sample_id=group.sample_id,
        sample_photo_id=sample.photo_id if sample else None,
    )


def quarantine_card(job: Job, photo: Photo | None, runs: Sequence[Attempt]) -> QuarantineCard:
    """A job in quarantine with what took it there: one bad photo, or one bad worker."""
    return QuarantineCard(
        id=job.id,
        kind=kind_word(job.kind),
        name=photo.name if photo else kind_word(job.kind),
        photo_id=job.photo_id,
        attempts=plural(job.attempt, "attempt", "attempts"),
        workers=list(dict.fromkeys(run.worker for run in runs)),
        ended_at=job.finished_at,
    )


def things(kind: JobKind, count: int) -> str:
    """A number of jobs by what they are about: "1,204 photos"."""
    return plural(count, *NOUNS.get(kind, ("job", "jobs")))


def retried_sentence(kind: JobKind, dealt: Dealt) -> str:
    """What became of a group that was to be tried again."""
    return _sentence(kind, dealt, "queued again")


def discarded_sentence(kind: JobKind, dealt: Dealt) -> str:
    """What became of a group that was to be discarded."""
    return _sentence(kind, dealt, "discarded")


def _sentence(kind: JobKind, dealt: Dealt, done: str) -> str:
    if not dealt.count:
        return "Nothing was left to do: somebody has dealt with these already."
    said = f"{things(kind, dealt.count)} {_are(dealt.count)} {done}"
    if not dealt.left:
        return f"{said}."
    return f"{said}, {dealt.left:,} {_are(dealt.left)} left. Do the same again to go on."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
