"""Trainings: start one, watch its epochs."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from shared import quotas
from shared.datasets import reports
from shared.datasets import store as datasets
from shared.errors import NotFoundError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.models.hyperparameters import HyperParameters
from shared.public_views import JobOut
from web.api.answers import answer, polled, problems
from web.api.schemas import EpochOut, JobAnswer, MetricsOut, TrainingIn
from web.auth import identity, require
from web.idempotency import PARAMETER, REPLAYED, fingerprint, once
from web.pages.reading import epochs_of
from web.services import services

blueprint = APIBlueprint("trainings", __name__, tag="Trainings")


@blueprint.post("/trainings")
@require("train")
@blueprint.input(TrainingIn)
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Start a training",
    description="A preset and, beside it, any hyper-parameter that shall differ from it.",
    responses=problems(400, 404, 409, 422),
    extensions={"x-parameters": [PARAMETER]},
)
def create(json_data: TrainingIn) -> Response:
    """Queue a training; its result names the new version."""
    parameters = HyperParameters.from_preset(json_data.preset, **(json_data.model_extra or {}))
    wanted = json_data.dataset_version

    def work(session: Session) -> dict[str, Any]:
        quotas.require_room_for_training(session, services().settings, identity().user.id)
        dataset = datasets.latest(session) if wanted is None else datasets.find(session, wanted)
        reports.require_trainable(session, dataset)
        payload = {"parameters": parameters.model_dump(mode="json"), "dataset_version": dataset.number}
        job = store.create(session, JobKind.TRAIN, owner_id=identity().user.id, payload=payload)
        return JobAnswer(job=JobOut.of(job)).model_dump(mode="json")

    made, replayed = once(fingerprint(json_data.model_dump_json().encode()), work)
    if not replayed:
        services().queue.publish(JobKind.TRAIN, made["job"]["id"])
    headers = {"Location": f"/api/v1/trainings/{made['job']['id']}", **(REPLAYED if replayed else {})}
    return answer(JobAnswer.model_validate(made), 202, headers)


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
    """Loss and accuracy after each epoch, whichever attempt ran it."""
    with services().database.read() as session:
        job = store.find(session, job_id, identity().owner_filter)
        rows = epochs_of(session, job.id)
    return polled(MetricsOut(epochs=[EpochOut.model_validate(row, from_attributes=True) for row in rows]))
