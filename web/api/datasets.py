"""Examples, dataset versions and the reports on them."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request
from sqlalchemy.orm import Session

from shared.datasets import reports, store
from shared.errors import UnsupportedTypeError, ValidationError
from shared.jobs.states import JobKind
from shared.tables import Job
from web.api.answers import answer, polled, problems
from web.api.dataset_schemas import CsvReportOut, DatasetReportOut
from web.api.queued import queue_once
from web.api.schemas import DatasetOut, DatasetsOut, JobAnswer
from web.auth import REVIEWERS, identity, require
from web.idempotency import PARAMETER, fingerprint
from web.services import services
from web.table_import import MAX_CSV_BYTES, import_table

blueprint = APIBlueprint("datasets", __name__, tag="Datasets")
CSV = {"content": {"text/csv": {"schema": {"type": "string"}}}, "required": True}


@blueprint.get("/datasets")
@require("read", REVIEWERS)
@blueprint.output(DatasetsOut)
@blueprint.doc(summary="List dataset versions", responses=problems())
def index() -> Response:
    """All dataset versions, newest first."""
    with services().database.read() as session:
        versions = [DatasetOut.of(version) for version in store.versions(session)]
    return polled(DatasetsOut(versions=versions))


@blueprint.post("/datasets/versions")
@require("train")
@blueprint.output(DatasetOut, 201)
@blueprint.doc(
    summary="Make a dataset version",
    description="Of all examples there are now. The same examples give the same version again.",
    responses=problems(409, 422),
)
def create() -> Response:
    """Freeze the examples, and have the version looked at."""
    with services().database.write() as session:
        version = DatasetOut.of(store.freeze(session))
        job = reports.ensure(session, version.number, identity().user.id)
    if job is not None:
        services().queue.publish(JobKind.REPORT, job)
    return answer(version, 201, {"Location": f"/api/v1/datasets/versions/{version.number}"})


@blueprint.post("/datasets/examples")
@require("train")
@blueprint.output(CsvReportOut)
@blueprint.doc(
    summary="Import labels as CSV",
    description="Columns `photo` (the SHA-256 of a photo, or its id), `label` and, if wanted, `split`. Lines "
    "that are in order are taken; `errors` names the others.",
    responses=problems(400, 413, 415, 422),
    extensions={"x-request-body": CSV},
)
def import_csv() -> Response:
    """Make examples of photos that Hangtag has already."""
    if request.mimetype != "text/csv":
        raise UnsupportedTypeError
    if (request.content_length or 0) > MAX_CSV_BYTES:
        raise ValidationError("The table is larger than 20 MiB. Split it into several.")
    return answer(CsvReportOut.of(import_table(request.get_data())))


@blueprint.get("/datasets/versions/<int:number>")
@require("read", REVIEWERS)
@blueprint.output(DatasetOut)
@blueprint.doc(summary="A dataset version", responses=problems(404))
def show(number: int) -> Response:
    """One dataset version with its counts per split and category."""
    with services().database.read() as session:
        version = DatasetOut.of(store.find(session, number))
    return polled(version)


@blueprint.get("/datasets/versions/<int:number>/report")
@require("read", REVIEWERS)
@blueprint.output(DatasetReportOut)
@blueprint.doc(summary="The report on a dataset version", responses=problems(404))
def report(number: int) -> Response:
    """What to know before training on it; findings that block keep trainings from starting."""
    with services().database.read() as session:
        body = DatasetReportOut.of(number, reports.of(session, store.find(session, number)))
    return polled(body)


@blueprint.post("/datasets/versions/<int:number>/report")
@require("train")
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Look at every photo of a dataset version",
    description="A job; when it has succeeded, the report holds what it found.",
    responses=problems(404),
    extensions={"x-parameters": [PARAMETER]},
)
def request_report(number: int) -> Response:
    """Start the job, or name the one that is on its way."""
    person = identity().user.id

    def accept(session: Session) -> Job:
        store.find(session, number)
        return reports.request(session, number, person)

    return queue_once(fingerprint(f"report {number}".encode()), accept)
