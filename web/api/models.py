"""Model versions and the champion."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.blobs import head_key, layers_key
from shared.clock import rfc3339
from shared.errors import NotFoundError
from shared.models import registry
from shared.models.registry import checkpoint_name
from web.api.answers import Answers, answer, polled, problems
from web.api.schemas import AliasChangeOut, AliasHistoryOut, PromotionIn, VersionOut, VersionsOut
from web.auth import identity, require
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
        versions = [VersionOut.of(version, aliases) for version in registry.versions(session)]
    return polled(VersionsOut(versions=versions))


@blueprint.get("/models/<int:number>")
@require("read")
@blueprint.output(VersionOut)
@blueprint.doc(summary="A model version", responses=problems(404))
def show(number: int) -> Response:
    """One version with its metrics and where it comes from."""
    with services().database.read() as session:
        version = VersionOut.of(registry.find(session, number), registry.aliases(session))
    return polled(version)


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


@blueprint.put("/aliases/champion")
@require("admin")
@blueprint.input(PromotionIn)
@blueprint.output(VersionOut)
@blueprint.doc(summary="Make a version the champion", responses=problems(400, 404, 409, 422))
def promote(json_data: PromotionIn) -> Response:
    """Let a version answer sellers from now on."""
    with services().database.write() as session:
        registry.require_intact(services().blobs, registry.find(session, json_data.version))
        registry.promote(session, json_data.version, identity().user.name, json_data.reason)
        version = registry.find(session, json_data.version)
        body = VersionOut.of(version, registry.aliases(session))
    return answer(body)


@blueprint.get("/aliases/champion/history")
@require("read")
@blueprint.output(AliasHistoryOut)
@blueprint.doc(summary="Who was champion when", responses=problems())
def history() -> Response:
    """Every move of the champion, newest first."""
    with services().database.read() as session:
        changes = [
            AliasChangeOut(
                before=change.before,
                after=change.after,
                actor=change.actor,
                reason=change.reason,
                created_at=rfc3339(change.created_at) or "",
            )
            for change in registry.history(session)
        ]
    return polled(AliasHistoryOut(changes=changes))
