"""Has versions judged whose int8 engine could serve. A duty of maintenance, where int8 may serve at all."""

from __future__ import annotations

from shared.models import engine_gates
from worker.context import WorkerContext
from worker.engines.precision import openvino_release


def request_judgement(context: WorkerContext) -> None:
    """Queue the judgement of the next version that needs one."""
    job = context.database.transact(lambda session: engine_gates.request_next(session, openvino_release()))
    if job is not None:
        context.queue.publish(job.kind, job.id)
