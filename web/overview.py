"""The overview: everything an administrator looks at first, gathered for the page and for the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.disk import Disk, room
from shared.jobs import failures, figures
from shared.jobs.failures import FailureGroup
from shared.jobs.figures import QueueFigures
from shared.jobs.states import JobKind, JobState
from shared.models import engine_gates, registry
from shared.overview import decisions
from shared.overview.decisions import Decisions
from shared.overview.figures import Done, Window, done
from shared.settings import EngineChoice
from shared.tables import Job, ModelVersion, WorkerHeartbeat
from web.checks import Check, check
from web.services import services

# Trainings, sweeps and reports run one after the other on each machine; more than these are in the list.
RUNNING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Overview:
    """How everything stands at `now`, and what was done within a window. `failures` are open ones by code;
    `int8_since` is when the champion passed the check of 8 bits, where a worker answers in them."""

    now: datetime
    int8_since: datetime | None
    done: Done
    checks: dict[str, Check]
    queues: list[QueueFigures]
    workers: list[WorkerHeartbeat]
    running: list[Job]
    failures: list[FailureGroup]
    champion: ModelVersion | None
    decisions: Decisions
    disk: Disk


def look(window: Window) -> Overview:
    """Gather it."""
    now, checks = utc_now(), check()
    with services().database.read() as session:
        champion, workers = registry.champion(session), figures.workers(session)
        return Overview(
            now=now,
            int8_since=_int8_since(session, champion, workers),
            done=done(session, window, champion, now),
            checks=checks,
            queues=figures.queues(session),
            workers=workers,
            running=_running(session),
            failures=failures.by_code(session),
            champion=champion,
            decisions=decisions.waiting(session, champion),
            disk=room(services().settings.data_dir),
        )


def _int8_since(
    session: Session, champion: ModelVersion | None, workers: list[WorkerHeartbeat]
) -> datetime | None:
    in_8_bits = any(worker.engine == EngineChoice.OPENVINO_INT8 for worker in workers)
    return engine_gates.passed_at(session, champion.number) if champion and in_8_bits else None


def _running(session: Session) -> list[Job]:
    """What runs, other than photos, which come and go."""
    lasting = (Job.state == JobState.RUNNING, Job.kind != JobKind.CLASSIFY)
    return list(session.scalars(select(Job).where(*lasting).order_by(Job.id).limit(RUNNING_SHOWN)))
