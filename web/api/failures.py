"""Failures, for operators: by cause, tried again or discarded, one or a whole group; quarantine."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.jobs import failures
from shared.public_views import JobOut
from web.api.answers import answer, polled, problems
from web.api.operator_schemas import CauseIn, DealtOut, FailureOut, FailuresOut
from web.api.schemas import JobAnswer
from web.auth import identity, require
from web.services import services

blueprint = APIBlueprint("failures", __name__, tag="Failures")
# More causes than anybody reads; with as many, a code has messages that differ from job to job.
MAX_GROUPS = 200


@blueprint.get("/jobs/failures")
@require("admin")
@blueprint.output(FailuresOut)
@blueprint.doc(
    summary="Failures by cause",
    description="Jobs that failed or are in quarantine and that nobody has dealt with, grouped by kind, "
    "error code and message, the largest group first. What was tried again or discarded is not counted any "
    "more; `GET /api/v1/jobs?handled=discarded` still finds it.",
    responses=problems(),
)
def index() -> Response:
    """The open failures, grouped."""
    with services().database.read() as session:
        found = failures.groups(session, MAX_GROUPS + 1)
    shown = [FailureOut.of(group) for group in found[:MAX_GROUPS]]
    return polled(FailuresOut(failures=shown, more=len(found) > MAX_GROUPS))


@blueprint.post("/jobs/failures/retry")
@require("admin")
@blueprint.input(CauseIn)
@blueprint.output(DealtOut, 202)
@blueprint.doc(
    summary="Try a group of failures again",
    description="Makes one new job for each open failure with this cause; the old ones keep their state. "
    "Asked twice, at the same time even, each failure gets one new job. A call stops after some seconds: go "
    "on while `left` is more than 0.",
    responses=problems(422),
)
def retry_group(json_data: CauseIn) -> Response:
    """Queue a new job for each."""
    dealt = failures.retry_all(services().database, json_data.selected(identity().user.name))
    return answer(DealtOut.of(dealt), 202)


@blueprint.post("/jobs/failures/discard")
@require("admin")
@blueprint.input(CauseIn)
@blueprint.output(DealtOut)
@blueprint.doc(
    summary="Discard a group of failures",
    description="Notes of each open failure with this cause that it needs nothing more. The jobs keep their "
    "state and can still be found and tried again one by one.",
    responses=problems(422),
)
def discard_group(json_data: CauseIn) -> Response:
    """Take them out of the groups."""
    dealt = failures.discard_all(services().database, json_data.selected(identity().user.name))
    return answer(DealtOut.of(dealt))


@blueprint.post("/jobs/<job_id>/discard")
@require("admin")
@blueprint.output(JobAnswer)
@blueprint.doc(
    summary="Discard a failure",
    description="Notes that a job that failed or is in quarantine needs nothing more. 409 for any other.",
    responses=problems(404, 409),
)
def discard(job_id: str) -> Response:
    """Take one failure out of its group."""
    with services().database.write() as session:
        job = failures.discard(session, job_id, identity().user.name)
    return answer(JobAnswer(job=JobOut.of(job)))


@blueprint.post("/jobs/<job_id>/release")
@require("admin")
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Release a job from quarantine",
    description="Makes a new job with the same task, noted as released by you. 409 when it is not there.",
    responses=problems(404, 409),
)
def release(job_id: str) -> Response:
    """Let a new job try what took its workers down."""
    with services().database.write() as session:
        job = failures.release(session, job_id, identity().user.name)
    services().queue.publish(job.kind, job.id)
    return answer(JobAnswer(job=JobOut.of(job)), 202, {"Location": f"/api/v1/jobs/{job.id}"})
