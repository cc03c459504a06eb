"""API keys: one's own, and everybody's for administrators."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared import accounts
from shared.errors import InsufficientScopeError
from web.api.answers import answer, problems
from web.api.people_schemas import KeyIn, KeyOut, KeysOut, KeysQuery, NewKeyOut
from web.auth import Identity, identity, require, require_person
from web.services import services

blueprint = APIBlueprint("keys", __name__, tag="People")
BY_PEOPLE = "For signed-in people and keys with `admin`: a lost key must not make itself another one. "


@blueprint.get("/keys")
@require("read")
@blueprint.input(KeysQuery, location="query")
@blueprint.output(KeysOut)
@blueprint.doc(
    summary="List keys",
    description="Your own; with `admin` everybody's. Never the keys themselves.",
    responses=problems(422),
)
def index(query_data: KeysQuery) -> Response:
    """Keys, newest first."""
    owner_id = _owner(identity(), query_data.user_id, identity().owner_filter)
    with services().database.read() as session:
        found = accounts.keys_of(session, owner_id) if owner_id else accounts.keys(session)
    return answer(KeysOut(keys=[KeyOut.of(key) for key in found]))


@blueprint.post("/keys")
@require("read")
@blueprint.input(KeyIn)
@blueprint.output(NewKeyOut, 201)
@blueprint.doc(
    summary="Make a key",
    description=f"{BY_PEOPLE}Its scopes lie within the owner's role. The answer holds the key, which is "
    "kept nowhere, so an Idempotency-Key does nothing here: asked again, there is another key.",
    responses=problems(400, 404, 422),
)
def create(json_data: KeyIn) -> Response:
    """A new key."""
    known = identity()
    require_person(known)
    owner_id = _owner(known, json_data.user_id, known.user.id) or known.user.id
    with services().database.write() as session:
        key, text = accounts.create_key(
            session,
            owner_id,
            json_data.name,
            list(json_data.scopes),
            json_data.expires_at,
            by=known.user.name,
        )
    return answer(NewKeyOut(key=KeyOut.of(key), text=text), 201)


@blueprint.delete("/keys/<key_id>")
@require("read")
@blueprint.output(KeyOut)
@blueprint.doc(
    summary="Revoke a key",
    description=f"{BY_PEOPLE}It opens nothing from this moment on. Asked again, nothing changes.",
    responses=problems(404),
)
def revoke(key_id: str) -> Response:
    """Make a key useless."""
    known = identity()
    require_person(known)
    with services().database.write() as session:
        key = accounts.revoke_key_id(session, key_id, known.owner_filter, by=known.user.name)
    return answer(KeyOut.of(key))


def _owner(known: Identity, wanted: str | None, otherwise: str | None) -> str | None:
    """Whose keys a request is about: one's own or everybody's, or those of whom an administrator names."""
    if wanted is None or wanted == known.user.id:
        return wanted or otherwise
    if known.owner_filter is not None:
        raise InsufficientScopeError("Only administrators see and make other people's keys.")
    return wanted
