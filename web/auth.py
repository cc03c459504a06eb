"""Who is asking, and what they may do: API keys for programs, sessions with CSRF tokens for browsers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

import structlog
from flask import g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect

from shared import accounts
from shared.errors import InsufficientScopeError, TransientError, UnauthenticatedError
from shared.tables import User
from web.services import services

logger = structlog.get_logger(__name__)
View = TypeVar("View", bound=Callable[..., Any])

csrf = CSRFProtect()
SESSION_TOKEN = "token"  # noqa: S105 - the name of a cookie field
# What a signed-in person may do through the API.
ROLE_SCOPES = {
    "seller": frozenset({"classify", "read"}),
    "reviewer": frozenset({"classify", "read"}),
    "admin": frozenset(accounts.SCOPES),
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody we know: the person, and what this request may do in their name."""

    user: User
    scopes: frozenset[str]

    @property
    def owner_filter(self) -> str | None:
        """Whose rows may be seen: None for an administrator's all, else only their own."""
        return None if "admin" in self.scopes else self.user.id


def identify() -> Identity | None:
    """Who sends this request. An Authorization header counts alone; the cookie is then ignored."""
    if "identity" not in g:
        g.identity = _from_key() if "Authorization" in request.headers else _from_session()
    return g.identity  # type: ignore[no-any-return]


def current_user() -> User | None:
    """The person who sends this request, if we know them."""
    identity = identify()
    return identity.user if identity else None


def require(scope: str) -> Callable[[View], View]:
    """Let only requests with this scope into an API view; cookie writes also need a CSRF token."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            identity = identify()
            if identity is None:
                raise UnauthenticatedError
            if scope not in identity.scopes:
                raise InsufficientScopeError
            _check_csrf()
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]

    return decorate


def page_login_required(role: str | None = None) -> Callable[[View], View]:
    """Let only signed-in people into a page, of one role if that is given; others go to the sign-in page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            user = current_user()
            if user is None:
                return redirect(f"{url_for('pages.sign_in')}?next={quote(request.path)}")
            if role is not None and user.role not in (role, "admin"):
                raise InsufficientScopeError
            _check_csrf()
            return view(*args, **kwargs)

        return guarded  # type: ignore[return-value]

    return decorate


def identity() -> Identity:
    """Who sends this request, in a view that `require` or `page_login_required` guards."""
    known = identify()
    if known is None:
        raise UnauthenticatedError
    return known


def consume_link(token: str) -> User:
    """Use up a one-time sign-in link.

    Raises:
        NotFoundError: unknown, used before, or expired.
    """
    with services().database.write() as database:
        return accounts.consume_sign_in_link(database, token)


def sign_in(user_id: str) -> None:
    """Start a new session for this browser; whatever it held before is dropped."""
    with services().database.write() as database:
        token = accounts.open_session(database, user_id)
    session.clear()
    session[SESSION_TOKEN] = token
    session.permanent = True
    g.pop("identity", None)


def sign_out() -> None:
    """End this browser's session, here and in the cookie."""
    token = session.get(SESSION_TOKEN)
    if token:
        with services().database.write() as database:
            accounts.close_session(database, token)
    session.clear()
    g.pop("identity", None)


def _check_csrf() -> None:
    if request.method not in SAFE_METHODS and "Authorization" not in request.headers:
        csrf.protect()


def _from_key() -> Identity | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text:
        return None
    with services().database.read() as database:
        found = accounts.key_owner(database, text.strip())
    if found is None:
        return None
    key, user = found
    if accounts.use_is_stale(key):
        _note_use(key.id)
    # A key never exceeds its owner's role.
    return Identity(user, frozenset(key.scopes) & ROLE_SCOPES[user.role])


def _note_use(key_id: str) -> None:
    """Write down that a key was used. A database without room for that can still be read."""
    try:
        with services().database.write() as database:
            accounts.note_use(database, key_id)
    except TransientError as error:
        logger.warning("key_use_not_noted", code=error.code)


def _from_session() -> Identity | None:
    token = session.get(SESSION_TOKEN)
    if not token:
        return None
    with services().database.read() as database:
        user = accounts.session_user(database, token)
    return Identity(user, ROLE_SCOPES[user.role]) if user else None
