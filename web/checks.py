"""What Hangtag depends on, looked at one by one: for load balancers, the overview and operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.errors import DatabaseUnavailableError
from shared.jobs.figures import SILENCE
from shared.models import registry
from shared.redis_client import impatient_client
from shared.tables import AliasChange, WorkerHeartbeat
from web.services import Services, services

BROKER_SECONDS = 1.0
# Workers look for another champion every second and load its head in less: five looks are enough for all.
LOADING = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing Hangtag depends on, and how it is."""

    ok: bool
    detail: str


def check() -> dict[str, Check]:
    """What an answer needs, by name. Without the database it is the only one of its checks."""
    found = services()
    return {**_database_checks(found), "broker": _broker(found)}


def _database_checks(found: Services) -> dict[str, Check]:
    try:
        champion, workers = _champion(found), _workers(found)
    except DatabaseUnavailableError as error:
        return {"database": Check(ok=False, detail=error.message)}
    database = Check(ok=True, detail="answers")
    return {"database": database, "champion": champion, "workers": workers}


def _broker(found: Services) -> Check:
    client = impatient_client(found.settings, BROKER_SECONDS)
    try:
        client.ping()
    except redis.RedisError:
        return Check(ok=False, detail="Redis does not answer; photos are taken and wait.")
    finally:
        client.close()
    return Check(ok=True, detail="answers")


def _champion(found: Services) -> Check:
    with found.database.read() as session:
        version = registry.champion(session)
        serving = {worker.serving for worker in _alive(session) if worker.serving is not None}
        just_promoted = _just_promoted(session)
    if version is None:
        return Check(ok=False, detail="No model version serves. Train one, or promote one.")
    others = sorted(serving - {version.number})
    if not others:
        return Check(ok=True, detail=f"version {version.number}")
    numbers = ", ".join(map(str, others))
    if just_promoted:
        still = f"version {numbers} still answers" if len(others) == 1 else f"versions {numbers} still answer"
        return Check(ok=True, detail=f"version {version.number} is being loaded; {still}")
    detail = f"version {version.number} is not loaded everywhere; still answering: version {numbers}"
    return Check(ok=False, detail=detail)


def _just_promoted(session: Session) -> bool:
    """Whether another champion was named so lately that workers may still be loading it."""
    changed = select(func.max(AliasChange.created_at)).where(AliasChange.name == registry.CHAMPION)
    at = session.scalar(changed)
    return at is not None and abs(utc_now() - at) <= LOADING


def _workers(found: Services) -> Check:
    with found.database.read() as session:
        alive = _alive(session)
    if not alive:
        return Check(ok=False, detail="No prediction worker has been heard of; photos are taken and wait.")
    engines = ", ".join(sorted({worker.engine or "loading" for worker in alive}))
    return Check(ok=any(worker.engine for worker in alive), detail=f"{len(alive)} ({engines})")


def _alive(session: Session) -> Sequence[WorkerHeartbeat]:
    """Prediction workers heard of lately. A word from the future is an old one: the clock was set back."""
    now = utc_now()
    lately = WorkerHeartbeat.seen_at.between(now - SILENCE, now + SILENCE)
    return session.scalars(select(WorkerHeartbeat).where(WorkerHeartbeat.kind == "predict", lately)).all()
