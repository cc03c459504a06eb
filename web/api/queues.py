"""The queues, for operators: how much waits, for how long, and who works."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.clock import utc_now
from shared.jobs import figures
from web.api.answers import answer, problems
from web.api.operator_schemas import QueueOut, QueuesOut, WorkerOut
from web.auth import require
from web.services import services

blueprint = APIBlueprint("queues", __name__, tag="Queues")


@blueprint.get("/queues")
@require("admin")
@blueprint.output(QueuesOut)
@blueprint.doc(
    summary="Queues and workers",
    description="For every kind of job how many wait, since when the oldest does, and how many run; and "
    "every worker with its engine, its memory and when it was last heard of.",
    responses=problems(),
)
def index() -> Response:
    """The figures at this moment."""
    with services().database.read() as session:
        found, heard = figures.queues(session), figures.workers(session)
    now = utc_now()
    return answer(
        QueuesOut(
            queues=[QueueOut.of(queue, now) for queue in found],
            workers=[WorkerOut.of(worker, now) for worker in heard],
        )
    )
