"""Jobs: look, wait, list, cancel, try again."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.jobs import log, store
from shared.photos import store as photos
from shared.public_views import JobOut
from web.api.answers import answer, linked, polled, problems
from web.api.schemas import JobAnswer, JobsOut, JobsQuery, LogOut, WaitQuery
from web.auth import identity, require, require_say_in
from web.retrying import try_again
from web.services import services
from web.waiting import wait_until_terminal

blueprint = APIBlueprint("jobs", __name__, tag="Jobs")


@blueprint.get("/jobs/<job_id>")
@require("read")
@blueprint.input(WaitQuery, location="query")
@blueprint.output(JobOut)
@blueprint.doc(
    summary="Look at a job",
    description="`?wait=N` answers as soon as the job has ended, at the latest after N seconds.",
    responses=problems(404, 422),
)
def show(job_id: str, query_data: WaitQuery) -> Response:
    """One job, with an ETag."""
    job = wait_until_terminal(services(), job_id, identity().owner_filter, query_data.wait)
    return polled(JobOut.of(job))


@blueprint.get("/jobs/<job_id>/log")
@require("train")
@blueprint.output(LogOut)
@blueprint.doc(
    summary="The last lines that workers logged about a job",
    description="At most a hundred, oldest first; none for photos.",
    responses=problems(404),
)
def tail(job_id: str) -> Response:
    """What the attempts at a long job logged."""
    with services().database.read() as session:
        store.find(session, job_id, identity().owner_filter)
        body = LogOut(lines=log.lines(session, job_id))
    return polled(body)


@blueprint.get("/jobs")
@require("read")
@blueprint.input(JobsQuery, location="query")
@blueprint.output(JobsOut)
@blueprint.doc(
    summary="List jobs",
    description="Newest first. `handled` looks only at jobs that failed or are in quarantine: those that "
    "are `open`, that were `retried` or that were `discarded`.",
    responses=problems(422),
)
def index(query_data: JobsQuery) -> Response:
    """One page of jobs, newest first."""
    with services().database.read() as session:
        page = store.page(session, owner_id=identity().owner_filter, **query_data.chosen())
        names = photos.names(session, {job.photo_id for job in page.items if job.photo_id})
    return linked(polled(JobsOut.of(page, names)), page.next_cursor)


@blueprint.post("/jobs/<job_id>/cancel")
@require("classify")
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Cancel a job",
    description="A queued job ends at once, a running one at its next batch. 409 when it has already ended. "
    "Trainings and whatever else is not about one photo also need `train`.",
    responses=problems(404, 409),
)
def cancel(job_id: str) -> Response:
    """Ask a job to stop."""
    with services().database.write() as session:
        owner_id = identity().owner_filter
        require_say_in(store.find(session, job_id, owner_id))
        job = store.request_cancel(session, job_id, owner_id)
    return answer(JobAnswer(job=JobOut.of(job)), 202)


@blueprint.post("/jobs/<job_id>/retry")
@require("classify")
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Try a job again",
    description="Makes a new job with the same task; the old one keeps its state. Asked again, the answer is "
    "the same new job, unless that one failed too: then it is tried again. What is in quarantine only an "
    "administrator can let out of it: 409 `quarantined` for its owner. Trainings also need `train` and "
    "count as new ones.",
    responses=problems(404, 409),
)
def retry(job_id: str) -> Response:
    """Queue the same task again."""
    with services().database.write() as session:
        job = try_again(session, job_id)
    services().queue.publish(job.kind, job.id)
    return answer(JobAnswer(job=JobOut.of(job)), 202, {"Location": f"/api/v1/jobs/{job.id}"})
