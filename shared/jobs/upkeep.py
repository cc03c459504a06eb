"""What maintenance asks of the jobs: who is silent, whose job goes back, which wake-ups are sent again.

A lease is never judged by comparing a moment in a row with this machine's clock: clocks get set, by hours at
times, and differ between machines. Whoever maintains watches the signs of life and counts the silence itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.tables import Job

# A wake-up not followed by a claim within this time is sent again; doubles are harmless.
REDISPATCH_SECONDS = 30
# Each wake-up keeps a worker busy for seconds, so these are enough for a hundred workers; more, repeated
# through a long backlog, would only fill Redis.
DISPATCH_LIMIT = 50


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """The latest word of one running attempt: a renewal makes another one of it."""

    job_id: str
    kind: JobKind
    attempt: int
    at: datetime | None


def signs_of_life(session: Session) -> list[SignOfLife]:
    """The latest word of every running attempt."""
    query = select(Job.id, Job.kind, Job.attempt, Job.heartbeat_at).where(Job.state == JobState.RUNNING)
    return [SignOfLife(*row) for row in session.execute(query)]


def reap(session: Session, silent: Iterable[SignOfLife]) -> list[tuple[str, JobState]]:
    """Take the jobs of silent attempts back. One that has given a word since, or is being taken, is left."""
    found = [(sign, _still_silent(session, sign)) for sign in silent]
    return [(sign.job_id, store.lose(session, job)) for sign, job in found if job is not None]


def _still_silent(session: Session, sign: SignOfLife) -> Job | None:
    return session.scalar(
        select(Job)
        .where(
            Job.id == sign.job_id,
            Job.attempt == sign.attempt,
            Job.state == JobState.RUNNING,
            Job.heartbeat_at == sign.at,
        )
        .with_for_update(skip_locked=True)
    )


def due_for_dispatch(session: Session) -> list[tuple[str, JobKind]]:
    """Queued jobs that need a (new) wake-up. A stamp from the future is old: the clock was set back."""
    now = utc_now()
    stale = now - timedelta(seconds=REDISPATCH_SECONDS)
    unsent = or_(Job.last_dispatch_at.is_(None), Job.last_dispatch_at < stale, Job.last_dispatch_at > now)
    found: list[tuple[str, JobKind]] = []
    for kind in JobKind:  # one by one, so that a crowd of photos does not keep a training waiting
        waiting = select(Job.id).where(Job.state == JobState.QUEUED, Job.kind == kind, store.due(now), unsent)
        ids = session.scalars(waiting.order_by(Job.run_after, Job.id).limit(DISPATCH_LIMIT))
        found += [(job_id, kind) for job_id in ids]
    return found


def dispatched(session: Session, job_ids: list[str]) -> None:
    """Note that wake-ups for these jobs were sent just now."""
    session.execute(update(Job).where(Job.id.in_(job_ids)).values(last_dispatch_at=utc_now()))
