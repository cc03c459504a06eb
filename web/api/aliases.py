"""Names for versions: the champion, which answers sellers, and any others."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.models import aliases, engine_gates, registry
from shared.public_views import AliasChangeOut
from web.api.answers import answer, polled, problems
from web.api.schemas import VersionOut
from web.api.version_schemas import (
    AliasesOut,
    AliasHistoryOut,
    AliasIn,
    PromotionIn,
    ReasonIn,
    RemovalQuery,
)
from web.auth import REVIEWERS, identity, require
from web.services import services

blueprint = APIBlueprint("aliases", __name__, tag="Models")


@blueprint.get("/aliases")
@require("read")
@blueprint.output(AliasesOut)
@blueprint.doc(summary="List aliases", responses=problems())
def index() -> Response:
    """Every name and the version it means."""
    with services().database.read() as session:
        found = registry.aliases(session)
    return polled(AliasesOut(aliases=found))


@blueprint.put("/aliases/champion")
@require("admin")
@blueprint.input(PromotionIn)
@blueprint.output(VersionOut)
@blueprint.doc(
    summary="Make a version the champion",
    description="The gate may refuse with 409 `promotion_refused`; `errors` then lists the failed checks. "
    "`override` promotes all the same, and the history keeps what was overridden and why. For the version "
    "that is the champion already nothing is judged, done or kept: `moved` is false.",
    responses=problems(400, 404, 409, 422),
)
def promote(json_data: PromotionIn) -> Response:
    """Let a version answer sellers from now on."""
    aliases.require_files(services().database, services().blobs, json_data.version)
    with services().database.write() as session:
        moved = aliases.promote(
            session,
            json_data.version,
            identity().user.name,
            json_data.reason,
            override=json_data.override,
        )
        version = registry.find(session, json_data.version)
        body = VersionOut.of(version, registry.aliases(session), engine_gates.of(session, version.number))
    return answer(body.model_copy(update={"moved": moved}))


@blueprint.post("/aliases/champion/rollback")
@require("admin")
@blueprint.input(ReasonIn)
@blueprint.output(VersionOut)
@blueprint.doc(
    summary="Go back to the champion before",
    description="The gate is not asked: the way back is always open.",
    responses=problems(400, 404, 409, 422),
)
def rollback(json_data: ReasonIn) -> Response:
    """Let the version answer sellers that answered before."""
    aliases.require_way_back(services().database, services().blobs)
    with services().database.write() as session:
        change = aliases.rollback(session, identity().user.name, json_data.reason)
        version = registry.find(session, change.after or 0)
        body = VersionOut.of(version, registry.aliases(session), engine_gates.of(session, version.number))
    return answer(body)


@blueprint.put("/aliases/<name>")
@require("admin")
@blueprint.input(AliasIn)
@blueprint.output(VersionOut)
@blueprint.doc(
    summary="Give a version another name",
    description="Sellers notice nothing of it. Called `shadow`, or something that begins with `shadow-`, a "
    "version answers each new photo silently beside the champion, if it has the same image size and base "
    "network; otherwise 409.",
    responses=problems(400, 404, 409, 422),
)
def point(name: str, json_data: AliasIn) -> Response:
    """Let a name mean this version."""
    with services().database.write() as session:
        aliases.point(session, name, json_data.version, identity().user.name, json_data.reason)
        version = registry.find(session, json_data.version)
        body = VersionOut.of(version, registry.aliases(session), engine_gates.of(session, version.number))
    return answer(body)


@blueprint.delete("/aliases/<name>")
@require("admin")
@blueprint.input(RemovalQuery, location="query")
@blueprint.output(AliasesOut)
@blueprint.doc(summary="Take a name away", responses=problems(400, 404, 409, 422))
def remove(name: str, query_data: RemovalQuery) -> Response:
    """The name means no version any more. The champion's cannot be taken away."""
    with services().database.write() as session:
        aliases.remove(session, name, identity().user.name, query_data.reason)
        found = registry.aliases(session)
    return answer(AliasesOut(aliases=found))


@blueprint.get("/aliases/<name>/history")
@require("read", REVIEWERS)
@blueprint.output(AliasHistoryOut)
@blueprint.doc(summary="Every move of a name", responses=problems())
def history(name: str) -> Response:
    """Which versions it meant, by whose decision and why, newest first."""
    with services().database.read() as session:
        changes = [AliasChangeOut.of(change) for change in registry.history(session, name)]
    return polled(AliasHistoryOut(changes=changes))
