"""For load balancers and monitoring: live, ready, metrics."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, make_response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from web.api.answers import Answers, answer
from web.api.schemas import CheckOut, LiveOut, ReadyOut
from web.checks import check
from web.metrics import database_registry
from web.services import services

blueprint = APIBlueprint("health", __name__, tag="Health")
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
    degraded = usable and not all(one.ok for one in checks.values())
    told = {name: CheckOut.of(one) for name, one in checks.items()}
    return answer(ReadyOut(ready=usable, degraded=degraded, checks=told), 200 if usable else 503)


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
