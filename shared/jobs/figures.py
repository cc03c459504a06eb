"""The queues as operators watch them: how much waits, for how long, and who works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Executable, and_, func, not_, select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.jobs import store
from shared.jobs.queue import QUEUES
from shared.jobs.states import ACTIVE, JobKind, JobState
from shared.tables import Job, WorkerHeartbeat

# Workers say that they live every ten seconds; three missed words are a silence.
SILENCE = timedelta(seconds=30)
NOTHING = [0, 0, None, 0]


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One kind of job at this moment. `delayed` of the waiting ones sit out the pause after an error."""

    kind: JobKind
    queue: str
    workers: int
    waiting: int
    delayed: int
    oldest: datetime | None
    running: int


def queues(session: Session) -> list[QueueFigures]:
    """What waits and runs, for every kind of job, with the workers that were heard of lately."""
    now = utc_now()
    active = {kind: figures for kind, *figures in session.execute(_active(now))}
    alive = _workers_alive(session, now)
    return [
        QueueFigures(kind, queue, alive.get(queue, 0), *active.get(kind, NOTHING))
        for kind, queue in QUEUES.items()
    ]


def workers(session: Session) -> list[WorkerHeartbeat]:
    """Every worker that has not signed off, by kind and name."""
    return list(session.scalars(select(WorkerHeartbeat).order_by(WorkerHeartbeat.kind, WorkerHeartbeat.name)))


def _active(now: datetime) -> Executable:
    waits = Job.state == JobState.QUEUED
    return (
        select(
            Job.kind,
            func.count().filter(waits).label("waiting"),
            func.count().filter(and_(waits, not_(store.due(now)))).label("delayed"),
            func.min(Job.created_at).filter(waits).label("oldest"),
            func.count().filter(Job.state == JobState.RUNNING).label("running"),
        )
        .where(Job.state.in_(ACTIVE))
        .group_by(Job.kind)
    )


def _workers_alive(session: Session, now: datetime) -> dict[str, int]:
    rows = session.execute(
        select(WorkerHeartbeat.kind, func.count())
        .where(WorkerHeartbeat.seen_at > now - SILENCE)
        .group_by(WorkerHeartbeat.kind)
    )
    return dict(rows.all())
