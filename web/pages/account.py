"""One's own account: password, the browsers one is signed in with, API keys."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared import accounts
from shared.accounts import MAX_NAME_CHARACTERS, ROLE_SCOPES, SCOPES, passwords, sessions
from shared.clock import utc_now
from shared.errors import HangtagError, ValidationError
from shared.limit_errors import RateLimitedError
from web import auth
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.people_rows import key_row, session_row
from web.services import services

# How long a new key may live, in days; 0 is for ever.
LIFETIMES = {30: "30 days", 90: "90 days", 365: "A year", 0: "Until it is revoked"}
USUAL_LIFETIME = 90
SCOPE_WORDS = {
    "classify": "Send photos and make drafts",
    "read": "Look at jobs, photos and versions",
    "train": "Start trainings",
    "admin": "Administrate",
}


@blueprint.get("/account")
@page_login_required()
def account() -> str:
    """Everything about one's own account."""
    return _render()


@blueprint.post("/account/password")
@page_login_required()
def set_password() -> Response | tuple[str, int, dict[str, str]]:
    """Choose a password; all other browsers are signed out."""
    wanted = request.form.get("new_password", "")
    try:
        if wanted != request.form.get("again", ""):
            raise ValidationError("The two new passwords differ. Type the same one twice.")
        auth.change_password(request.form.get("current_password", ""), wanted)
    except HangtagError as error:
        wait = {"Retry-After": str(error.retry_after)} if isinstance(error, RateLimitedError) else {}
        return _render(password_error=error.message), error.status, wait
    flash("Your password is set. Every other browser was signed out.", DONE)
    return _back()


@blueprint.post("/account/sessions/<handle>/end")
@page_login_required()
def end_session(handle: str) -> Response:
    """Sign one of one's browsers out."""
    with services().database.write() as session:
        accounts.close_session_of(session, identity().user.id, handle)
    flash("That browser is signed out.", DONE)
    return _back()


@blueprint.post("/account/sign-out-everywhere")
@page_login_required()
def sign_out_everywhere() -> Response:
    """End all of one's sessions, this one too."""
    auth.sign_out_everywhere()
    return redirect(url_for("pages.sign_in"), code=303)


@blueprint.post("/account/keys")
@page_login_required()
def make_key() -> str | tuple[str, int]:
    """Make a key and show it, once."""
    user = identity().user
    try:
        with services().database.write() as session:
            _, text = accounts.create_key(
                session,
                user.id,
                request.form.get("name", ""),
                request.form.getlist("scopes"),
                _expiry(),
                by=user.name,
            )
    except ValidationError as error:
        return _render(key_error=error.message), error.status
    return _render(new_key=text)


@blueprint.post("/account/keys/<key_id>/revoke")
@page_login_required()
def revoke_own_key(key_id: str) -> Response:
    """Make one of one's own keys useless."""
    user = identity().user
    with services().database.write() as session:
        key = accounts.revoke_key_id(session, key_id, user.id, by=user.name)
    flash(f"The key {key.prefix}… opens nothing any more.", DONE)
    return _back()


def _render(*, password_error: str = "", key_error: str = "", new_key: str = "") -> str:
    known = identity()
    with services().database.read() as session:
        browsers = accounts.sessions_of(session, known.user.id)
        keys = accounts.keys_of(session, known.user.id)
    here = sessions.handle(known.web_session) if known.web_session else ""
    return render_template(
        "account/index.html",
        asks_for_password=auth.asks_for_password(known),
        min_characters=passwords.MIN_CHARACTERS,
        password_error=password_error,
        browsers=[session_row(row, here) for row in browsers],
        keys=[key_row(key, known.user.name) for key in keys],
        scopes={scope: SCOPE_WORDS[scope] for scope in SCOPES if scope in ROLE_SCOPES[known.user.role]},
        lifetimes=LIFETIMES,
        usual_lifetime=USUAL_LIFETIME,
        key_error=key_error,
        new_key=new_key,
        max_name=MAX_NAME_CHARACTERS,
    )


def _expiry() -> datetime | None:
    days = request.form.get("days", type=int)
    if days not in LIFETIMES:
        raise ValidationError("Choose how long the key shall work.")
    return utc_now() + timedelta(days=days) if days else None


def _back() -> Response:
    return redirect(url_for("pages.account"), code=303)
