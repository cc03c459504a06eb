"""Model versions: what they are, how good they are, how two of them compare."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from shared.blobs import head_key, layers_key
from shared.errors import NotFoundError
from shared.models import engine_gates, gate, notes, registry, rescoring
from shared.models.comparison import compare
from shared.models.evaluation import evaluation as evaluation_on
from shared.models.live_comparison import compare_live
from shared.models.registry import checkpoint_name
from web.api.answers import Answers, answer, polled, problems
from web.api.queued import queue_once
from web.api.schemas import JobAnswer, VersionOut, VersionsOut
from web.api.version_schemas import (
    CompareQuery,
    ComparisonOut,
    EvaluationOut,
    LiveComparisonOut,
    NoteIn,
    NoteOut,
    NotesOut,
    VerdictOut,
)
from web.auth import REVIEWERS, identity, require
from web.idempotency import PARAMETER, REPLAYED, fingerprint, once
from web.services import services

blueprint = APIBlueprint("models", __name__, tag="Models")
ARCHIVE: Answers = {200: {"description": "The archive", "content": {"application/octet-stream": {}}}}


@blueprint.get("/models")
@require("read")
@blueprint.output(VersionsOut)
@blueprint.doc(summary="List model versions", responses=problems())
def index() -> Response:
    """All versions, newest first."""
    with services().database.read() as session:
        aliases = registry.aliases(session)
        judged = engine_gates.every(session)
        versions = [
            _seen(VersionOut.of(version, aliases, judged.get(version.number)))
            for version in registry.versions(session)
        ]
    return polled(VersionsOut(versions=versions))


@blueprint.get("/models/<int:number>")
@require("read")
@blueprint.output(VersionOut)
@blueprint.doc(summary="A model version", responses=problems(404))
def show(number: int) -> Response:
    """One version with its metrics and where it comes from."""
    with services().database.read() as session:
        found = registry.find(session, number)
        version = VersionOut.of(found, registry.aliases(session), engine_gates.of(session, number))
    return polled(_seen(version))


def _seen(version: VersionOut) -> VersionOut:
    """A version as whoever asks may see it: sellers have no use for where it comes from."""
    return version.model_copy(update={"lineage": {}}) if identity().user.role == "seller" else version


@blueprint.get("/models/<int:number>/evaluation")
@require("read", REVIEWERS)
@blueprint.output(EvaluationOut)
@blueprint.doc(summary="How good a version is", responses=problems(404))
def evaluation(number: int) -> Response:
    """The figures on validation and test photos."""
    with services().database.read() as session:
        version = registry.find(session, number)
    validation, test = evaluation_on(version, "validation"), evaluation_on(version, "test")
    if validation is None or test is None:
        raise NotFoundError(
            f"Version {number} was never evaluated, or by an older Hangtag whose figures cannot be read any "
            "more. Train it again to get figures."
        )
    return polled(EvaluationOut(validation=validation, test=test, speed=version.metrics.get("speed")))


@blueprint.get("/models/<int:number>/head")
@require("train")
@blueprint.doc(
    summary="Download a version's head",
    description="The dense layers of the best epoch as a NumPy archive.",
    responses={**ARCHIVE, **problems(404, 409)},
)
def head(number: int) -> Response:
    """The head's file, under the name of its checkpoint."""
    with services().database.read() as session:
        version = registry.find(session, number)
    registry.require_intact(services().blobs, version)
    return _download(head_key(version.head_digest), checkpoint_name(version))


@blueprint.get("/models/<int:number>/layers")
@require("train")
@blueprint.doc(
    summary="Download a version's fine-tuned layers",
    description="The arrays that take the place of the last base weights, as a NumPy archive. "
    "404 for a version on the base weights as they are.",
    responses={**ARCHIVE, **problems(404, 409)},
)
def layers(number: int) -> Response:
    """The file of the fine-tuned layers."""
    with services().database.read() as session:
        version = registry.find(session, number)
    if version.layers_digest is None:
        raise NotFoundError(f"Version {number} has no layers of its own; it uses the base weights.")
    registry.require_intact(services().blobs, version)
    return _download(layers_key(version.layers_digest), f"{checkpoint_name(version)}_layers")


def _download(key: str, name: str) -> Response:
    response = Response(services().blobs.get(key), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.npz"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.get("/models/<int:number>/gate")
@require("read", REVIEWERS)
@blueprint.output(VerdictOut)
@blueprint.doc(summary="Whether a version may become the champion", responses=problems(404))
def verdict(number: int) -> Response:
    """What every check of the gate says about this version against the present champion."""
    with services().database.read() as session:
        found = gate.judge(session, registry.find(session, number), registry.champion(session))
    return polled(VerdictOut(**found.model_dump(), passed=found.passed))


@blueprint.get("/models/<int:number>/notes")
@require("read", REVIEWERS)
@blueprint.output(NotesOut)
@blueprint.doc(summary="Notes about a version", responses=problems(404))
def list_notes(number: int) -> Response:
    """What people wrote about it, newest first."""
    with services().database.read() as session:
        registry.find(session, number)
        found = [NoteOut.of(note) for note in notes.of(session, number)]
    return polled(NotesOut(notes=found))


@blueprint.post("/models/<int:number>/notes")
@require("train")
@blueprint.input(NoteIn)
@blueprint.output(NoteOut, 201)
@blueprint.doc(
    summary="Write a note about a version",
    responses=problems(400, 404, 409, 422),
    extensions={"x-parameters": [PARAMETER]},
)
def add_note(number: int, json_data: NoteIn) -> Response:
    """Notes are added, never changed."""

    def work(session: Session) -> dict[str, Any]:
        note = notes.add(session, number, identity().user.name, json_data.text)
        return NoteOut.of(note).model_dump(mode="json")

    made, replayed = once(fingerprint(json_data.model_dump_json().encode()), work)
    return answer(NoteOut.model_validate(made), 201, REPLAYED if replayed else {})


@blueprint.get("/models/compare")
@require("read", REVIEWERS)
@blueprint.input(CompareQuery, location="query")
@blueprint.output(ComparisonOut)
@blueprint.doc(
    summary="Compare two versions photo by photo",
    description="On the newest test photos that both were evaluated on: what `b` fixes and breaks of `a`.",
    responses=problems(404, 422),
)
def compare_versions(query_data: CompareQuery) -> Response:
    """What the second version gets right that the first does not, and the other way round."""
    with services().database.read() as session:
        for number in (query_data.a, query_data.b):
            registry.find(session, number)
        found = compare(session, query_data.a, query_data.b)
    if found is None:
        raise NotFoundError(
            f"Versions {query_data.a} and {query_data.b} were not evaluated on the same test photos yet. "
            "POST to this address lets both answer them."
        )
    return polled(ComparisonOut.of(found))


@blueprint.get("/models/compare/live")
@require("read", REVIEWERS)
@blueprint.input(CompareQuery, location="query")
@blueprint.output(LiveComparisonOut)
@blueprint.doc(
    summary="Compare two versions on sellers' photos",
    description="What a version that answers in shadow says beside the champion. Give it a name such as "
    "`shadow` with `PUT /api/v1/aliases/shadow`.",
    responses=problems(404, 422),
)
def compare_live_photos(query_data: CompareQuery) -> Response:
    """How far they agree, and who was right where somebody has labelled the photo since."""
    with services().database.read() as session:
        found = compare_live(session, query_data.a, query_data.b)
    return polled(LiveComparisonOut.of(found))


@blueprint.post("/models/compare")
@require("train")
@blueprint.input(CompareQuery)
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Let two versions answer the same test photos",
    description="A job, for versions that were evaluated on other photos or have other networks. When it has "
    "succeeded, the comparison and the gate know what `b` fixes and breaks of `a`.",
    responses=problems(400, 404, 409, 422),
    extensions={"x-parameters": [PARAMETER]},
)
def rescore(json_data: CompareQuery) -> Response:
    """Start the job, or name the one that is on its way."""
    person = identity().user.id
    return queue_once(
        fingerprint(json_data.model_dump_json().encode()),
        lambda session: rescoring.request(session, json_data.a, json_data.b, person),
    )
