"""Sees to it that versions whose int8 engine could serve are judged. A duty of maintenance."""

from __future__ import annotations

from shared.models import engine_gates
from worker.context import WorkerContext
from worker.engines.precision import may_use_int8, openvino_release


def request_judgement(context: WorkerContext) -> None:
    """Queue the judgement of the next version that needs one, if int8 may serve here at all."""
    if not may_use_int8(context.settings):
        return
    job = context.database.transact(lambda session: engine_gates.request_next(session, openvino_release()))
    if job is not None:
        context.queue.publish(job.kind, job.id)
