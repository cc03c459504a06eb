"""People and everybody's keys, for administrators."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared import accounts
from shared.accounts import MAX_NAME_CHARACTERS, ROLES
from shared.errors import ConflictError, ValidationError
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.people_rows import key_row, person_row
from web.services import services

ROLE_WORDS = {
    "seller": "Seller: their own photos",
    "reviewer": "Reviewer: also reviews, versions",
    "admin": "Administrator: everything",
}


@blueprint.get("/people")
@page_login_required("admin")
def people() -> str:
    """Everybody, and a form for somebody new."""
    return _list()


@blueprint.post("/people")
@page_login_required("admin")
def add_person() -> Response | tuple[str, int]:
    """Add somebody."""
    name, role = request.form.get("name", ""), request.form.get("role", "")
    try:
        with services().database.write() as session:
            user = accounts.add_user(session, name, role, by=identity().user.name)
    except (ValidationError, ConflictError) as error:
        return _list(error.message, name), error.status
    flash(f"{user.name} is added. Make a sign-in link and send it to them.", DONE)
    return _to(user.id)


@blueprint.get("/people/<user_id>")
@page_login_required("admin")
def person(user_id: str) -> str:
    """One person: role, standing, keys."""
    return _show(user_id)


@blueprint.post("/people/<user_id>/role")
@page_login_required("admin")
def set_role(user_id: str) -> Response | tuple[str, int]:
    """Give somebody another role."""
    try:
        with services().database.write() as session:
            user = accounts.set_role(session, user_id, request.form.get("role", ""), by=identity().user.name)
    except (ValidationError, ConflictError) as error:
        return _show(user_id, error.message), error.status
    flash(f"{user.name} is a {user.role} now and has to sign in again.", DONE)
    return _to(user_id)


@blueprint.post("/people/<user_id>/disable")
@page_login_required("admin")
def disable_person(user_id: str) -> Response | tuple[str, int]:
    """Shut somebody out."""
    try:
        with services().database.write() as session:
            user = accounts.disable(session, user_id, by=identity().user.name)
    except ConflictError as error:
        return _show(user_id, error.message), error.status
    flash(f"{user.name} is signed out everywhere, and their keys open nothing.", DONE)
    return _to(user_id)


@blueprint.post("/people/<user_id>/enable")
@page_login_required("admin")
def enable_person(user_id: str) -> Response:
    """Let somebody in again."""
    with services().database.write() as session:
        user = accounts.enable(session, user_id, by=identity().user.name)
    flash(f"{user.name} may sign in again.", DONE)
    return _to(user_id)


@blueprint.post("/people/<user_id>/link")
@page_login_required("admin")
def make_link(user_id: str) -> str | tuple[str, int]:
    """Make a sign-in link and show it, once."""
    try:
        with services().database.write() as session:
            token = accounts.create_sign_in_link(session, user_id, by=identity().user.name)
    except ConflictError as error:
        return _show(user_id, error.message), error.status
    return _show(user_id, link=url_for("pages.confirm_link", token=token, _external=True))


@blueprint.get("/people/keys")
@page_login_required("admin")
def all_keys() -> str:
    """Everybody's keys."""
    with services().database.read() as session:
        names = {user.id: user.name for user in accounts.people(session)}
        rows = [key_row(key, names[key.user_id]) for key in accounts.keys(session)]
    return render_template("people/keys.html", keys=rows)


@blueprint.post("/people/keys/<key_id>/revoke")
@page_login_required("admin")
def revoke_key(key_id: str) -> Response:
    """Make anybody's key useless."""
    with services().database.write() as session:
        key = accounts.revoke_key_id(session, key_id, None, by=identity().user.name)
    flash(f"The key {key.prefix}… opens nothing any more.", DONE)
    return redirect(url_for("pages.all_keys"), code=303)


def _list(error: str = "", name: str = "") -> str:
    with services().database.read() as session:
        rows = [person_row(user) for user in accounts.people(session)]
    return render_template(
        "people/index.html",
        people=rows,
        roles=ROLE_WORDS,
        error=error,
        name=name,
        max_name=MAX_NAME_CHARACTERS,
    )


def _show(user_id: str, error: str = "", *, link: str = "") -> str:
    with services().database.read() as session:
        user = accounts.user_by_id(session, user_id)
        keys = [key_row(key, user.name) for key in accounts.keys_of(session, user_id)]
    return render_template(
        "people/person.html",
        person=person_row(user),
        keys=keys,
        roles={role: ROLE_WORDS[role] for role in ROLES},
        error=error,
        link=link,
    )


def _to(user_id: str) -> Response:
    return redirect(url_for("pages.person", user_id=user_id), code=303)
