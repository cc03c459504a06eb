"""Why a photo was answered as it was."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from shared.errors import NotFoundError
from shared.jobs import store
from shared.models import activation_map
from shared.photos import predictions
from shared.tables import Prediction
from web.api.answers import polled, problems
from web.auth import identity, require
from web.services import services

blueprint = APIBlueprint("why", __name__, tag="Jobs")
NO_MAP = (
    "Nothing is kept about why: this job has no answer to a photo yet, or one from before reasons were kept. "
    "A newer version's answer to the same photo has one."
)


class MapOut(BaseModel):
    """What each place of the photo gave to the answer. The photo is stretched to the square of the map."""

    width: int
    height: int
    values: list[list[int]] = Field(
        description="Rows from the top: 255 is the place that gave most, 0 one that gave nothing."
    )


class WhyOut(BaseModel):
    """Why a photo was answered as it was."""

    job_id: str
    photo_id: str
    category: str
    model_version: int
    where: str = Field(description="Where most of the map lies, in words.")
    map: MapOut

    @classmethod
    def of(cls, job_id: str, answer: Prediction, stored: bytes) -> WhyOut:
        """The public view of an answer and its map."""
        grid = activation_map.rows(stored)
        return cls(
            job_id=job_id,
            photo_id=answer.photo_id,
            category=answer.category,
            model_version=answer.model_version,
            where=activation_map.where(grid),
            map=MapOut(width=len(grid), height=len(grid), values=grid),
        )


@blueprint.get("/jobs/<job_id>/why")
@require("read")
@blueprint.output(WhyOut)
@blueprint.doc(
    summary="See why a photo was answered so",
    description="Where in the photo the version saw what made it choose its category (class-activation map). "
    "404 also when nothing is kept about it: the job has no answer, or an old one.",
    responses=problems(404),
)
def why(job_id: str) -> Response:
    """Where in its photo the answer of a job came from."""
    with services().database.read() as session:
        job = store.find(session, job_id, identity().owner_filter)
        answer = predictions.of_jobs(session, [job]).get(job.id)
    if answer is None or answer.activation_map is None:
        raise NotFoundError(NO_MAP)
    return polled(WhyOut.of(job.id, answer, answer.activation_map))
