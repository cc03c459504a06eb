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
from sqlalchemy.orm import Session

from shared import accounts, audit
from shared.accounts import ROLE_SCOPES, passwords, sessions
from shared.audit import Action
from shared.errors import InsufficientScopeError, TransientError, UnauthenticatedError
from shared.jobs.states import JobKind
from shared.tables import Job, User, WebSession
from web.browsers import browser_in_words
from web.services import services

logger = structlog.get_logger(__name__)
View = TypeVar("View", bound=Callable[..., Any])

csrf = CSRFProtect()
# Who may look at figures, data and notes that sellers have no use for.
REVIEWERS = "reviewer"
SESSION_TOKEN = "token"  # noqa: S105 - the name of a cookie field
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody we know: the person, and what this request may do in their name."""

    user: User
    scopes: frozenset[str]
    key_id: str | None = None  # of the key that speaks; None for a browser
    web_session: WebSession | None = None

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
    """The person whose browser sends this request, if we know them. Keys are for the API and open no page."""
    identity = identify()
    return identity.user if identity and identity.key_id is None else None


def require(scope: str, role: str | None = None) -> Callable[[View], View]:
    """Let only requests with this scope into an API view, of people with one role or administrators if that
    is given; cookie writes also need a CSRF token."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            identity = identify()
            if identity is None:
                raise UnauthenticatedError
            _require_scope(identity, scope)
            if not _has_role(identity.user, role):
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
            if not _has_role(user, role):
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


def require_person(known: Identity) -> None:
    """Refuse a key that may not administrate.

    Whoever finds a key must not make themselves another one with it, or shut its owner out.

    Raises:
        InsufficientScopeError: it is such a key.
    """
    if known.key_id is not None and "admin" not in known.scopes:
        raise InsufficientScopeError("Keys are made and revoked by people: sign in, or use a key with admin.")


def require_judge() -> None:
    """Refuse who only sells: reviewers and administrators judge versions.

    Raises:
        InsufficientScopeError: a seller asks.
    """
    if identity().user.role not in ("reviewer", "admin"):
        raise InsufficientScopeError


def require_say_in(job: Job) -> None:
    """Refuse to stop or repeat other work than photos with what may not start such work.

    Raises:
        InsufficientScopeError: the job is a training, for example, and `train` is not among the scopes.
    """
    if job.kind is not JobKind.CLASSIFY:
        _require_scope(identity(), "train")


def sign_in_by_link(token: str) -> User:
    """Use up a one-time link and sign this browser in.

    Raises:
        NotFoundError: unknown, used before, or expired.
    """
    with services().database.write() as database:
        user = accounts.consume_sign_in_link(database, token)
        _open(database, user, by_link=True)
    return user


def sign_in_by_password(name: str, password: str) -> User:
    """Sign this browser in with name and password.

    Raises:
        SignInRefusedError: they do not belong together.
        RateLimitedError: too many attempts.
    """
    user = passwords.authenticate(services().database, name, password, request.remote_addr or "")
    with services().database.write() as database:
        _open(database, user)
    return user


def change_password(current: str, wanted: str) -> None:
    """Give the person of this browser another password. All their browsers are signed out but this one.

    Raises:
        ValidationError: the new one is too weak.
        SignInRefusedError: the current one is wrong.
        RateLimitedError: it was wrong too often.
    """
    known = identity()
    passwords.check_new(wanted, known.user.name)
    if asks_for_password(known):
        passwords.authenticate(services().database, known.user.name, current, request.remote_addr or "")
    hashed = passwords.hash_password(wanted)
    with services().database.write() as database:
        user = accounts.user_by_id(database, known.user.id)
        passwords.set_password(database, user, hashed, by=user.name)
        _open(database, user, noted=False)


def asks_for_password(known: Identity) -> bool:
    """Whether a new password needs the present one: not without one, nor just after signing in by link."""
    row = known.web_session
    return known.user.password_hash is not None and (row is None or not sessions.may_reset(row))


def sign_out() -> None:
    """End this browser's session, here and in the cookie."""
    token = session.get(SESSION_TOKEN)
    if token:
        with services().database.write() as database:
            accounts.close_session(database, token)
    _forget()


def sign_out_everywhere() -> None:
    """End all sessions of the person of this browser."""
    user = identity().user
    with services().database.write() as database:
        accounts.close_sessions(database, user.id)
        audit.record(database, user.name, Action.SIGNED_OUT_EVERYWHERE, user.name)
    _forget()


def _open(database: Session, user: User, *, by_link: bool = False, noted: bool = True) -> None:
    """Start a new session for this browser; whatever it held before is dropped."""
    if before := session.get(SESSION_TOKEN):
        accounts.close_session(database, before)
    browser = browser_in_words(request.user_agent.string)
    token = accounts.open_session(database, user.id, browser=browser, by_link=by_link)
    if noted:
        said = {"by": "link" if by_link else "password", "address": request.remote_addr}
        audit.record(database, user.name, Action.SIGNED_IN, user.name, said)
    _forget()
    session[SESSION_TOKEN] = token
    session.permanent = True


def _forget() -> None:
    session.clear()
    g.pop("identity", None)


def _require_scope(known: Identity, scope: str) -> None:
    if scope in known.scopes:
        return
    if known.key_id is None:
        raise InsufficientScopeError
    raise InsufficientScopeError(
        f"This key lacks the scope {scope}. Use a key that has it, of a person whose role allows it."
    )


def _has_role(user: User, role: str | None) -> bool:
    return role is None or user.role in (role, "admin")


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
    if accounts.use_is_stale(key.last_used_at):
        _note(lambda database: accounts.note_use(database, key.id))
    # A key never exceeds its owner's role.
    return Identity(user, frozenset(key.scopes) & ROLE_SCOPES[user.role], key_id=key.id)


def _note(write: Callable[[Session], None]) -> None:
    """Write down that somebody was here. A database without room for that can still be read."""
    try:
        with services().database.write() as database:
            write(database)
    except TransientError as error:
        logger.warning("use_not_noted", code=error.code)


def _from_session() -> Identity | None:
    token = session.get(SESSION_TOKEN)
    if not token:
        return None
    with services().database.read() as database:
        found = accounts.signed_in(database, token)
    if found is None:
        return None
    row, user = found
    if accounts.use_is_stale(row.last_seen_at):
        _note(lambda database: accounts.note_visit(database, row.token_digest))
    return Identity(user, ROLE_SCOPES[user.role], web_session=row)
