"""Trainings: start one, watch its epochs."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.datasets import store as datasets
from shared.errors import NotFoundError
from shared.jobs import store
from shared.jobs.epochs import epochs_of
from shared.jobs.states import JobKind
from shared.models.forecast import forecast
from shared.models.hyperparameters import HyperParameters
from shared.public_views import JobOut
from web.api.answers import Answers, answer, polled, problems
from web.api.queued import queue_once
from web.api.schemas import EpochOut, JobAnswer, MetricsOut, TrainingIn
from web.api.training_schemas import ForecastOut
from web.augmentation_preview import augmentation_sheet
from web.auth import identity, require
from web.idempotency import PARAMETER, fingerprint
from web.services import services
from web.training_submission import accept_training

blueprint = APIBlueprint("trainings", __name__, tag="Trainings")
PICTURE: Answers = {200: {"description": "The picture", "content": {"image/webp": {}}}}


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
    parameters = _parameters(json_data)
    person = identity().user.id
    return queue_once(
        fingerprint(json_data.model_dump_json().encode()),
        lambda session: accept_training(session, person, parameters, json_data.dataset_version),
        "trainings",
    )


@blueprint.post("/trainings/forecast")
@require("train")
@blueprint.input(TrainingIn)
@blueprint.output(ForecastOut)
@blueprint.doc(
    summary="What a training would take",
    description="Takes the same body as a training and starts nothing.",
    responses=problems(400, 404, 422),
)
def work_out_cost(json_data: TrainingIn) -> Response:
    """Seconds for features, epochs and fine-tuning, from the speed measured here."""
    parameters = _parameters(json_data)
    with services().database.read() as session:
        number = json_data.dataset_version
        dataset = datasets.latest(session) if number is None else datasets.find(session, number)
        cost = forecast(session, parameters, dataset)
    return answer(ForecastOut.of(cost))


@blueprint.post("/trainings/preview")
@require("train")
@blueprint.input(TrainingIn)
@blueprint.doc(
    summary="What augmentation would do to a photo",
    description="Takes the same body as a training; twelve samples of the exact pipeline as a WebP picture.",
    responses={**PICTURE, **problems(400, 404, 422)},
)
def preview_augmentation(json_data: TrainingIn) -> Response:
    """A training photo as a training with these values would see it."""
    return augmentation_sheet(_parameters(json_data), json_data.dataset_version)


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


def _parameters(wanted: TrainingIn) -> HyperParameters:
    """The preset with what differs from it.

    Raises:
        ParametersError: a value cannot be used.
    """
    return HyperParameters.from_preset(wanted.preset, **(wanted.model_extra or {}))
