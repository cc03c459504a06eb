"""People, for administrators: list, add, change role, disable, link."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, url_for
from sqlalchemy.orm import Session

from shared import accounts
from shared.tables import User
from web.api.answers import answer, problems
from web.api.people_schemas import LinkOut, UserChangeIn, UserIn, UserOut, UsersOut
from web.auth import identity, require
from web.idempotency import PARAMETER, REPLAYED, fingerprint, once
from web.services import services

blueprint = APIBlueprint("users", __name__, tag="People")


@blueprint.get("/users")
@require("admin")
@blueprint.output(UsersOut)
@blueprint.doc(summary="List people", responses=problems())
def index() -> Response:
    """Everybody, by name."""
    with services().database.read() as session:
        found = accounts.people(session)
    return answer(UsersOut(users=[UserOut.of(user) for user in found]))


@blueprint.post("/users")
@require("admin")
@blueprint.input(UserIn)
@blueprint.output(UserOut, 201)
@blueprint.doc(
    summary="Add somebody",
    description="They sign in with a link: `POST /api/v1/users/{id}/sign-in-links`.",
    responses=problems(400, 409, 422),
    extensions={"x-parameters": [PARAMETER]},
)
def create(json_data: UserIn) -> Response:
    """A new person."""

    def work(session: Session) -> dict[str, Any]:
        user = accounts.add_user(session, json_data.name, json_data.role, by=identity().user.name)
        return UserOut.of(user).model_dump(mode="json")

    made, replayed = once(fingerprint(json_data.model_dump_json().encode()), work)
    headers = {"Location": f"/api/v1/users/{made['id']}", **(REPLAYED if replayed else {})}
    return answer(UserOut.model_validate(made), 201, headers)


@blueprint.get("/users/<user_id>")
@require("admin")
@blueprint.output(UserOut)
@blueprint.doc(summary="Look at a person", responses=problems(404))
def show(user_id: str) -> Response:
    """One person."""
    with services().database.read() as session:
        return answer(UserOut.of(accounts.user_by_id(session, user_id)))


@blueprint.patch("/users/<user_id>")
@require("admin")
@blueprint.input(UserChangeIn)
@blueprint.output(UserOut)
@blueprint.doc(
    summary="Change a person's role, disable or enable them",
    description="Both take effect at once: sessions end, and keys can do what the role may, or nothing. "
    "409 when nobody would be left to administrate.",
    responses=problems(400, 404, 409, 422),
)
def change(user_id: str, json_data: UserChangeIn) -> Response:
    """Another role, or another standing."""
    by = identity().user.name
    with services().database.write() as session:
        user = accounts.user_by_id(session, user_id)
        if json_data.role is not None:
            user = accounts.set_role(session, user_id, json_data.role, by=by)
        if json_data.disabled is not None:
            user = _stand(session, user, json_data.disabled, by)
    return answer(UserOut.of(user))


@blueprint.post("/users/<user_id>/sign-in-links")
@require("admin")
@blueprint.output(LinkOut, 201)
@blueprint.doc(
    summary="Make a sign-in link for somebody",
    description="It works once, within a day, and lets them set a new password. Its answer holds a secret "
    "that is kept nowhere, so an Idempotency-Key does nothing here: asked again, there is another link.",
    responses=problems(404, 409),
)
def create_link(user_id: str) -> Response:
    """A one-time link."""
    with services().database.write() as session:
        token = accounts.create_sign_in_link(session, user_id, by=identity().user.name)
    return answer(LinkOut.of(url_for("pages.confirm_link", token=token, _external=True)), 201)


def _stand(session: Session, user: User, disabled: bool, by: str) -> User:
    move = accounts.disable if disabled else accounts.enable
    return move(session, user.id, by=by)
