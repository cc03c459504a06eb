"""Photos that are stored already, and the prediction worker that answers them from the queue."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select

from benchmarks.installation import wait_until
from shared import accounts
from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs.queue import CeleryQueue
from shared.jobs.states import ACTIVE, JobKind, JobState
from shared.jobs.upkeep import DISPATCH_LIMIT
from shared.settings import Settings
from shared.tables import DatasetExample, Job, Photo, Prediction, WorkerHeartbeat, new_id
from worker.context import WorkerContext


def context_of(settings: Settings) -> WorkerContext:
    """What the measuring process itself works with. Its database is to be closed."""
    return WorkerContext(
        settings,
        Database(settings.database_url),
        BlobStore(settings.blob_url),
        CeleryQueue(settings),
        "bench@here",
    )


def workers_engine(database: Database) -> str | None:
    """The engine of the prediction worker that runs, once it is loaded."""
    with database.read() as session:
        return session.scalar(select(WorkerHeartbeat.engine).where(WorkerHeartbeat.kind == "predict"))


def has_started(database: Database, kind: str) -> bool:
    """Whether a process of this kind, predict, train or maintain, has given a sign of life."""
    with database.read() as session:
        return bool(session.scalar(select(func.count()).where(WorkerHeartbeat.kind == kind)))


def add_photos(database: Database, count: int) -> list[str]:
    """Photo rows for stored examples; where there are fewer than wanted, several rows share their pixels."""
    with database.write() as session:
        digests = list(session.scalars(select(DatasetExample.digest).distinct().limit(count)))
        people = [
            accounts.add_user(session, f"Bench {n}", "seller") for n in range(-(-count // len(digests)))
        ]
        pairs = itertools.islice(itertools.product(people, digests), count)
        rows = [_photo_row(person.id, digest) for person, digest in pairs]
        session.execute(insert(Photo), rows)
    return [str(row["id"]) for row in rows]


def drain(context: WorkerContext, photo_ids: Sequence[str]) -> float:
    """Photos per second from the first wake-up to the last committed answer."""
    with context.database.write() as session:
        session.execute(delete(Prediction))
        owners = dict(session.execute(select(Photo.id, Photo.owner_id).where(Photo.id.in_(photo_ids))).all())
        rows = [_job_row(photo_id, owners[photo_id]) for photo_id in photo_ids]
        session.execute(insert(Job), rows)
    began = time.perf_counter()
    for row in rows[:DISPATCH_LIMIT]:  # as the dispatcher wakes workers for stored photos
        context.queue.publish(JobKind.CLASSIFY, str(row["id"]))
    wait_until(lambda: active_jobs(context.database, JobKind.CLASSIFY) == 0, "all photos are answered")
    return len(rows) / (time.perf_counter() - began)


def active_jobs(database: Database, *kinds: JobKind) -> int:
    """How many jobs of these kinds, of any when none is named, have not ended."""
    query = select(func.count()).where(Job.state.in_(ACTIVE), Job.kind.in_(kinds or JobKind))
    with database.read() as session:
        return session.scalar(query) or 0


def _photo_row(owner_id: str, digest: str) -> dict[str, Any]:
    facts = {"name": "p", "width": 1, "height": 1, "size": 1}
    return {"id": new_id(), "owner_id": owner_id, "digest": digest, **facts}


def _job_row(photo_id: str, owner_id: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": JobKind.CLASSIFY,
        "state": JobState.QUEUED,
        "owner_id": owner_id,
        "photo_id": photo_id,
        "payload": {},
        "last_dispatch_at": utc_now(),
    }
