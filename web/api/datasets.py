"""Dataset versions."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.datasets import store
from web.api.answers import polled, problems
from web.api.schemas import DatasetOut, DatasetsOut
from web.auth import require
from web.services import services

blueprint = APIBlueprint("datasets", __name__, tag="Datasets")


@blueprint.get("/datasets")
@require("read")
@blueprint.output(DatasetsOut)
@blueprint.doc(summary="List dataset versions", responses=problems())
def index() -> Response:
    """All dataset versions, newest first."""
    with services().database.read() as session:
        versions = [DatasetOut.of(version) for version in store.versions(session)]
    return polled(DatasetsOut(versions=versions))


@blueprint.get("/datasets/versions/<int:number>")
@require("read")
@blueprint.output(DatasetOut)
@blueprint.doc(summary="A dataset version", responses=problems(404))
def show(number: int) -> Response:
    """One dataset version with its counts per split and category."""
    with services().database.read() as session:
        version = DatasetOut.of(store.find(session, number))
    return polled(version)
