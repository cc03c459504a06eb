"""For load balancers and monitoring: live, ready, metrics."""

from __future__ import annotations

from collections.abc import Sequence

import redis
from apiflask import APIBlueprint
from flask import Response, make_response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.errors import DatabaseUnavailableError
from shared.jobs.figures import SILENCE
from shared.models import registry
from shared.redis_server import client_url
from shared.tables import WorkerHeartbeat
from web.api.answers import Answers, answer
from web.api.schemas import CheckOut, LiveOut, ReadyOut
from web.metrics import database_registry
from web.services import Services, services

blueprint = APIBlueprint("health", __name__, tag="Health")
BROKER_SECONDS = 1.0
NOT_READY: Answers = {503: {"description": "Not ready", "content": {"application/json": {}}}}
FIGURES: Answers = {200: {"description": "Figures", "content": {"text/plain": {}}}}


@blueprint.get("/healthz")
@blueprint.output(LiveOut)
@blueprint.doc(summary="Does the web process run?")
def live() -> Response:
    """Always 200 while this process answers at all."""
    return answer(LiveOut(live=True))


@blueprint.get("/readyz")
@blueprint.output(ReadyOut)
@blueprint.doc(
    summary="Can photos be taken and answered?",
    description="503 without the database. 200 with `degraded: true` while photos are taken but wait.",
    responses=NOT_READY,
)
def ready() -> Response:
    """Look at everything an answer needs."""
    checks = check()
    usable = checks["database"].ok
    degraded = usable and not all(check.ok for check in checks.values())
    return answer(ReadyOut(ready=usable, degraded=degraded, checks=checks), 200 if usable else 503)


@blueprint.get("/metrics")
@blueprint.doc(
    summary="Figures for Prometheus",
    responses=FIGURES,
)
def metrics() -> Response:
    """Queue depth and age, jobs by state, workers; read from the database, so equal from every process."""
    response = make_response(generate_latest(database_registry(services().database)))
    response.content_type = CONTENT_TYPE_LATEST
    return response


def check() -> dict[str, CheckOut]:
    """What an answer needs, by name. Without the database it is the only one of its checks."""
    found = services()
    return {**_database_checks(found), "broker": _broker(found)}


def _database_checks(found: Services) -> dict[str, CheckOut]:
    try:
        champion, workers = _champion(found), _workers(found)
    except DatabaseUnavailableError as error:
        return {"database": CheckOut(ok=False, detail=error.message)}
    database = CheckOut(ok=True, detail="answers")
    return {"database": database, "champion": champion, "workers": workers}


def _broker(found: Services) -> CheckOut:
    client = redis.Redis.from_url(
        client_url(found.settings), socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError:
        return CheckOut(ok=False, detail="Redis does not answer; photos are taken and wait.")
    finally:
        client.close()
    return CheckOut(ok=True, detail="answers")


def _champion(found: Services) -> CheckOut:
    with found.database.read() as session:
        version = registry.champion(session)
        serving = {worker.serving for worker in _alive(session) if worker.serving is not None}
    if version is None:
        return CheckOut(ok=False, detail="No model version serves. Train one, or promote one.")
    others = sorted(serving - {version.number})
    if others:
        numbers = ", ".join(map(str, others))
        detail = f"version {version.number} is not loaded everywhere; still answering: version {numbers}"
        return CheckOut(ok=False, detail=detail)
    return CheckOut(ok=True, detail=f"version {version.number}")


def _workers(found: Services) -> CheckOut:
    with found.database.read() as session:
        alive = _alive(session)
    if not alive:
        return CheckOut(ok=False, detail="No prediction worker has been heard of; photos are taken and wait.")
    engines = ", ".join(sorted({worker.engine or "loading" for worker in alive}))
    return CheckOut(ok=any(worker.engine for worker in alive), detail=f"{len(alive)} ({engines})")


def _alive(session: Session) -> Sequence[WorkerHeartbeat]:
    """Prediction workers heard of lately. A word from the future is an old one: the clock was set back."""
    now = utc_now()
    lately = WorkerHeartbeat.seen_at.between(now - SILENCE, now + SILENCE)
    return session.scalars(select(WorkerHeartbeat).where(WorkerHeartbeat.kind == "predict", lately)).all()
