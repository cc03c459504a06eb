"""Signing in with a name and a password or with a one-time link, and out again."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from shared import accounts
from shared.errors import NotFoundError, SignInRefusedError
from shared.limit_errors import RateLimitedError
from shared.tables import User
from web import auth
from web.pages import blueprint
from web.pages.flashes import NOTE
from web.pages.returning import local_path
from web.services import services

# Links are about sixty characters; anything far longer was pasted by mistake.
MAX_PASTED_CHARACTERS = 500
# Where the roles begin that do not sell.
BEGIN = {"admin": "pages.overview", "reviewer": "pages.review"}
NOT_A_LINK = (
    "That is not a sign-in link. Paste the whole line that begins with http, or the token at its end."
)


@blueprint.get("/")
def home() -> Response:
    """Send people where they work."""
    user = auth.current_user()
    return redirect(_work_of(user) if user else url_for("pages.sign_in"))


@blueprint.get("/sign-in")
def sign_in() -> Response | str:
    """Ask for name and password, or for a link."""
    if user := auth.current_user():
        return redirect(_work_of(user))
    return _ask()


@blueprint.post("/sign-in")
def use_password() -> Response | tuple[str, int, dict[str, str]]:
    """Sign the browser in with name and password."""
    auth.csrf.protect()
    name = request.form.get("name", "")[:MAX_PASTED_CHARACTERS]
    try:
        user = auth.sign_in_by_password(name, request.form.get("password", ""))
    except RateLimitedError as error:
        return _ask(error.message, name=name), error.status, {"Retry-After": str(error.retry_after)}
    except SignInRefusedError as error:
        return _ask(error.message, name=name), error.status, {}
    return redirect(_next() or _work_of(user))


@blueprint.post("/sign-in/link")
def paste_link() -> Response | tuple[str, int]:
    """Go to the page of a pasted link. The link itself is used up there, not here."""
    auth.csrf.protect()
    token = token_of(request.form.get("link", ""))
    if not token:
        return _ask(link_error=NOT_A_LINK), 422
    return redirect(url_for("pages.confirm_link", token=token, next=_next()))


@blueprint.get("/sign-in/<token>")
def confirm_link(token: str) -> str | tuple[str, int]:
    """Ask before using a link up: programs that preview links fetch them too."""
    try:
        with services().database.read() as session:
            accounts.require_good_link(session, token)
    except NotFoundError as error:
        return _spent(error)
    return render_template("sign_in/confirm.html", token=token, next=_next())


@blueprint.post("/sign-in/<token>")
def use_link(token: str) -> Response | tuple[str, int]:
    """Use a link up and sign the browser in."""
    auth.csrf.protect()
    try:
        user = auth.sign_in_by_link(token)
    except NotFoundError as error:
        return _spent(error)
    if user.password_hash is None:
        note = Markup(
            'You have no password yet. <a href="{}">Set one</a>, and you need no link the next time.'
        )
        flash(note.format(url_for("pages.account")), NOTE)
    return redirect(_next() or _work_of(user))


@blueprint.post("/sign-out")
@auth.page_login_required()
def sign_out() -> Response:
    """Sign the browser out."""
    auth.sign_out()
    return redirect(url_for("pages.sign_in"))


def token_of(pasted: str) -> str:
    """The token of a pasted link, or of a token pasted alone; empty when it is neither."""
    text = pasted.strip()[:MAX_PASTED_CHARACTERS]
    token = urlsplit(text).path.rstrip("/").rsplit("/", 1)[-1]
    return token if token.replace("-", "").replace("_", "").isalnum() else ""


def _work_of(user: User) -> str:
    """Where somebody begins: with how everything stands, with photos to review, or with a new listing."""
    return url_for(BEGIN.get(user.role, "pages.sell"))


def _spent(error: NotFoundError) -> tuple[str, int]:
    """A link that signs nobody in (any more), and how to get another one."""
    return render_template("sign_in/spent.html", sentence=error.message, next=_next()), error.status


def _ask(error: str = "", *, link_error: str = "", name: str = "") -> str:
    return render_template("sign_in/ask.html", error=error, link_error=link_error, name=name, next=_next())


def _next() -> str | None:
    return local_path(request.args.get("next", ""))
