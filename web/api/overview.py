"""The overview: how everything stands, what needs somebody, what was done."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.clock import rfc3339
from web.api.answers import answer, problems
from web.api.operator_schemas import QueueOut, WorkerOut
from web.api.overview_schemas import DiskOut, DoneOut, MatterOut, OverviewOut, OverviewQuery
from web.api.schemas import CheckOut
from web.auth import require
from web.matters import matters
from web.overview import look

blueprint = APIBlueprint("overview", __name__, tag="Overview")


@blueprint.get("/overview")
@require("admin")
@blueprint.input(OverviewQuery, location="query")
@blueprint.output(OverviewOut)
@blueprint.doc(
    summary="How everything stands",
    description="What needs somebody, the queues and workers, and what became of photos within a window: "
    "answers, waits, the mix of categories against the training photos, what sellers corrected. "
    "`GET /api/v1/jobs` with `ended_from`, `category`, `decision` or `model_version` lists the rows.",
    responses=problems(422),
)
def show(query_data: OverviewQuery) -> Response:
    """The overview at this moment."""
    found = look(query_data.window)
    return answer(
        OverviewOut(
            now=rfc3339(found.now) or "",
            champion=found.champion.number if found.champion else None,
            int8_since=rfc3339(found.int8_since),
            matters=[
                MatterOut(
                    code=matter.code,
                    level=matter.level,
                    text=matter.text,
                    count=matter.count,
                    page=matter.address,
                )
                for matter in matters(found)
            ],
            checks={name: CheckOut.of(check) for name, check in found.checks.items()},
            queues=[QueueOut.of(queue, found.now) for queue in found.queues],
            workers=[WorkerOut.of(worker, found.now) for worker in found.workers],
            disk=DiskOut(free=found.disk.free, total=found.disk.total),
            done=DoneOut.of(found.done),
        )
    )
