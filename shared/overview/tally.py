"""Counting what became of photos, hour by hour, from their jobs."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, String, cast, extract, func, select
from sqlalchemy.orm import Session

from shared.jobs.states import JobKind, JobState
from shared.models.confidence import ASK
from shared.tables import Job

HOUR = timedelta(hours=1)
# Waits are kept as counts per step, each a tenth longer than the one before: percentiles of hours that were
# added up are then right to 5 %, and waiting for a day takes 168 steps.
FIRST_STEP_SECONDS = 0.01
STEP_RATIO = 1.1
DAY_SECONDS = 86_400


class Given(NamedTuple):
    """An answer as it is counted: by which version, which category, whether it was suggested or asked."""

    version: int
    category: str
    decision: str


@dataclass(slots=True)
class Tally:
    """What became of photos within some time.

    `ended` counts jobs by state. `waits` counts the answers of workers by how long they took from the upload
    on, in steps; answers that were known already took none. `given` counts all answers.
    """

    ended: Counter[str] = field(default_factory=Counter)
    waits: Counter[int] = field(default_factory=Counter)
    given: Counter[Given] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        """How many photos got an answer."""
        return self.ended[JobState.SUCCEEDED.value]

    @property
    def failed(self) -> int:
        """How many ended without one, other than on request."""
        return self.ended[JobState.FAILED.value] + self.ended[JobState.QUARANTINED.value]

    @property
    def asked(self) -> int:
        """How many answers left the choice to the seller."""
        return sum(count for given, count in self.given.items() if given.decision == ASK)

    def add(self, other: Tally) -> None:
        """Count what another tally counts, too."""
        self.ended.update(other.ended)
        self.waits.update(other.waits)
        self.given.update(other.given)

    def wait_seconds(self, share: float) -> float | None:
        """The time within which this share of the answers came; None without any."""
        total = sum(self.waits.values())
        reached = 0
        for step in sorted(self.waits):
            reached += self.waits[step]
            if reached >= share * total:
                return float(FIRST_STEP_SECONDS * STEP_RATIO ** (step - 0.5))
        return None

    def as_json(self) -> dict[str, Any]:
        """For a column of the database."""
        return {
            "ended": dict(self.ended),
            "waits": {str(step): count for step, count in self.waits.items()},
            "given": [[*given, count] for given, count in self.given.items()],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Tally:
        """What `as_json` gave."""
        return cls(
            Counter(value["ended"]),
            Counter({int(step): count for step, count in value["waits"].items()}),
            Counter({Given(*given): count for *given, count in value["given"]}),
        )


def hour_of(moment: datetime) -> datetime:
    """When the hour of a moment began."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def count(session: Session, since: datetime, until: datetime) -> dict[datetime, Tally]:
    """What became of the photos whose jobs ended from `since` to before `until`, by hour; no empty hours."""
    hour = _hour(session)
    found: dict[datetime, Tally] = defaultdict(Tally)
    for at, state, version, category, decision, number in session.execute(_ends(hour, since, until)):
        tally = found[_parsed(at)]
        tally.ended[state.value] += number
        if category is not None:
            tally.given[Given(version, category, decision)] += number
    for at, hundredths, number in session.execute(_waits(session, hour, since, until)):
        found[_parsed(at)].waits[_step(hundredths / 100)] += number
    return dict(found)


def hours_of(session: Session, jobs: ColumnElement[bool]) -> set[datetime]:
    """The hours in which these jobs ended."""
    ends = session.scalars(select(_hour(session)).where(jobs, Job.finished_at.is_not(None)).distinct())
    return {_parsed(end) for end in ends}


def _ends(hour: ColumnElement[str], since: datetime, until: datetime) -> Select[Any]:
    columns = (
        hour,
        Job.state,
        Job.result["model_version"].as_integer(),
        Job.result["category"].as_string(),
        Job.result["decision"].as_string(),
    )
    return select(*columns, func.count()).where(*_ended(since, until)).group_by(*columns)


def _waits(session: Session, hour: ColumnElement[str], since: datetime, until: datetime) -> Select[Any]:
    columns: tuple[ColumnElement[Any], ...] = (hour, _hundredths(session))
    looked_at = (Job.state == JobState.SUCCEEDED, Job.attempt > 0)
    return select(*columns, func.count()).where(*_ended(since, until), *looked_at).group_by(*columns)


def _ended(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return (Job.kind == JobKind.CLASSIFY, Job.finished_at >= since, Job.finished_at < until)


def _hour(session: Session) -> ColumnElement[str]:
    """The hour in which a job ended, as text: "2026-11-24 02"."""
    if session.get_bind().dialect.name == "sqlite":
        return func.substr(cast(Job.finished_at, String), 1, len("2026-11-24 02"))
    return func.to_char(func.timezone("UTC", Job.finished_at), "YYYY-MM-DD HH24")


def _parsed(hour: str) -> datetime:
    return datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)


def _hundredths(session: Session) -> ColumnElement[int]:
    """How long a job took from its making to its end, in hundredths of a second."""
    if session.get_bind().dialect.name == "sqlite":
        days = func.julianday(Job.finished_at) - func.julianday(Job.created_at)
        return cast(days * DAY_SECONDS * 100, BigInteger)
    return cast(extract("epoch", Job.finished_at - Job.created_at) * 100, BigInteger)


def _step(seconds: float) -> int:
    """The step that holds a wait; the first one also holds none, and those of a clock that was set back."""
    if seconds <= FIRST_STEP_SECONDS:
        return 0
    return math.ceil(math.log(seconds / FIRST_STEP_SECONDS, STEP_RATIO))
