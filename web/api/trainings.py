"""Trainings: start one, watch its epochs."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import select

from shared.datasets import store as datasets
from shared.errors import NotFoundError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.models.hyperparameters import HyperParameters
from shared.tables import TrainingEpoch
from web.api.answers import answer, polled, problems
from web.api.schemas import EpochOut, JobAnswer, JobOut, MetricsOut, TrainingIn
from web.auth import identity, require
from web.services import services

blueprint = APIBlueprint("trainings", __name__, tag="Trainings")


@blueprint.post("/trainings")
@require("train")
@blueprint.input(TrainingIn)
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Start a training",
    description="A preset and, beside it, any hyper-parameter that shall differ from it.",
    responses=problems(400, 404, 422),
)
def create(json_data: TrainingIn) -> Response:
    """Queue a training; its result names the new version."""
    parameters = HyperParameters.from_preset(json_data.preset, **(json_data.model_extra or {}))
    with services().database.write() as session:
        number = json_data.dataset_version
        dataset = datasets.latest(session) if number is None else datasets.find(session, number)
        payload = {"parameters": parameters.model_dump(mode="json"), "dataset_version": dataset.number}
        job = store.create(session, JobKind.TRAIN, owner_id=identity().user.id, payload=payload)
    services().queue.publish(job.kind, job.id)
    return answer(JobAnswer(job=JobOut.of(job)), 202, {"Location": f"/api/v1/trainings/{job.id}"})


@blueprint.get("/trainings/<job_id>")
@require("read")
@blueprint.output(JobOut)
@blueprint.doc(summary="Look at a training", responses=problems(404))
def show(job_id: str) -> Response:
    """The training's job."""
    with services().database.read() as session:
        job = store.find(session, job_id, identity().owner_filter)
    if job.kind is not JobKind.TRAIN:
        raise NotFoundError("There is no training with this id.")
    return polled(JobOut.of(job))


@blueprint.get("/trainings/<job_id>/metrics")
@require("read")
@blueprint.output(MetricsOut)
@blueprint.doc(summary="The epochs of a training", responses=problems(404))
def metrics(job_id: str) -> Response:
    """Loss and accuracy after each epoch of the latest attempt."""
    with services().database.read() as session:
        job = store.find(session, job_id, identity().owner_filter)
        rows = session.scalars(
            select(TrainingEpoch)
            .where(TrainingEpoch.job_id == job.id, TrainingEpoch.attempt == job.attempt)
            .order_by(TrainingEpoch.epoch)
        ).all()
    return polled(MetricsOut(epochs=[EpochOut.model_validate(row, from_attributes=True) for row in rows]))
