"""The addresses people want to be told at: added, changed, removed, given another secret."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import accounts, audit
from shared.audit import Action
from shared.clock import utc_now
from shared.errors import ConflictError, NotFoundError, ValidationError
from shared.paging import Page, newest_first
from shared.settings import Settings
from shared.tables import User, WebhookEndpoint
from shared.tables.webhooks import MAX_DESCRIPTION_CHARACTERS
from shared.webhooks import signing
from shared.webhooks.destinations import checked_url
from shared.webhooks.states import FOR_ADMINS, SUBSCRIBABLE

TAKEN = "There is a webhook to this address already. Change that one."


def add(
    session: Session,
    settings: Settings,
    owner_id: str,
    url: str,
    events: Sequence[str],
    description: str = "",
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint. Returns it and its secret, which nobody is shown again.

    Raises:
        ValidationError: address, events or description cannot be used.
        ConflictError: there is one with this address, or there are as many as one person may have.
    """
    owner = accounts.user_by_id(session, owner_id)
    url = checked_url(url, settings)
    # Locked, so that two who ask at once are counted one after the other.
    session.execute(select(User.id).where(User.id == owner_id).with_for_update(key_share=True))
    _require_room(session, settings.quota_webhooks, owner_id)
    _require_free(session, owner_id, url)
    salt = signing.new_salt()
    key = signing.signing_key(settings.secret_key, salt)
    endpoint = WebhookEndpoint(
        owner_id=owner_id,
        url=url,
        description=_checked_description(description),
        events=_checked_events(owner, events),
        salt=salt,
        secret_digest=signing.digest(key),
    )
    session.add(endpoint)
    session.flush()
    said = {"url": url, "events": endpoint.events}
    audit.record(session, owner.name, Action.WEBHOOK_ADDED, _subject(endpoint), said)
    return endpoint, signing.secret_text(key)


def find(
    session: Session, endpoint_id: str, owner_id: str | None, *, change: bool = False
) -> WebhookEndpoint:
    """The endpoint with this id; with `owner_id`, only if it is theirs. With `change`, locked.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    # Whoever writes a message to it meanwhile only needs it to stay (key_share).
    lock = {"key_share": True} if change else None
    endpoint = session.get(WebhookEndpoint, endpoint_id, with_for_update=lock)
    if endpoint is None or owner_id not in (None, endpoint.owner_id):
        raise NotFoundError("There is no webhook with this id.")
    return endpoint


def page(
    session: Session, owner_id: str | None, cursor: str | None = None, limit: int = 50
) -> Page[WebhookEndpoint, str]:
    """One page of endpoints, newest first. `cursor` is the last id of the page before."""
    query = select(WebhookEndpoint)
    if owner_id is not None:
        query = query.where(WebhookEndpoint.owner_id == owner_id)
    return newest_first(session, query, WebhookEndpoint.id, cursor, limit)


def change(
    session: Session,
    settings: Settings,
    endpoint: WebhookEndpoint,
    *,
    by: str,
    url: str | None = None,
    events: Sequence[str] | None = None,
    description: str | None = None,
    active: bool | None = None,
) -> WebhookEndpoint:
    """Change what is given of an endpoint that was found to be changed. Switched on, it starts afresh.

    Raises:
        ValidationError: address, events or description cannot be used.
        ConflictError: there is another one with this address.
    """
    if url is not None and (url := checked_url(url, settings)) != endpoint.url:
        _require_free(session, endpoint.owner_id, url)
        endpoint.url = url
    if events is not None:
        endpoint.events = _checked_events(accounts.user_by_id(session, endpoint.owner_id), events)
    if description is not None:
        endpoint.description = _checked_description(description)
    if active is not None:
        endpoint.active = active
        if active:
            endpoint.note = endpoint.failing_since = endpoint.paused_until = None
            endpoint.failures = 0
    session.flush()
    said = {"url": endpoint.url, "events": endpoint.events, "active": endpoint.active}
    audit.record(session, by, Action.WEBHOOK_CHANGED, _subject(endpoint), said)
    return endpoint


def rotate(session: Session, settings: Settings, endpoint: WebhookEndpoint, *, by: str) -> str:
    """Give an endpoint that was found to be changed a new secret, and return it. The one before signs as well
    for a day."""
    now = utc_now()
    if signing.keys(endpoint, settings.secret_key, now):
        endpoint.previous_salt, endpoint.previous_until = endpoint.salt, now + signing.OVERLAP
    endpoint.salt = signing.new_salt()
    key = signing.signing_key(settings.secret_key, endpoint.salt)
    endpoint.secret_digest = signing.digest(key)
    session.flush()
    audit.record(session, by, Action.WEBHOOK_SECRET_MADE, _subject(endpoint), {"url": endpoint.url})
    return signing.secret_text(key)


def remove(session: Session, endpoint: WebhookEndpoint, *, by: str) -> None:
    """Remove an endpoint with its log. What waits for it is not sent."""
    session.delete(endpoint)
    session.flush()
    audit.record(session, by, Action.WEBHOOK_REMOVED, _subject(endpoint), {"url": endpoint.url})


def _require_room(session: Session, quota: int, owner_id: str) -> None:
    theirs = WebhookEndpoint.owner_id == owner_id
    count = session.scalar(select(func.count()).select_from(WebhookEndpoint).where(theirs)) or 0
    if quota and count >= quota:
        raise ConflictError(f"One person may have {quota} webhooks here. Remove one you no longer need.")


def _require_free(session: Session, owner_id: str, url: str) -> None:
    same = (WebhookEndpoint.owner_id == owner_id, WebhookEndpoint.url == url)
    if session.scalar(select(WebhookEndpoint.id).where(*same)) is not None:
        raise ConflictError(TAKEN)


def _checked_events(owner: User, events: Sequence[str]) -> list[str]:
    allowed = [event.value for event in SUBSCRIBABLE if owner.role == "admin" or event not in FOR_ADMINS]
    if not events or set(events) - set(allowed):
        raise ValidationError(f"Name at least one event, out of {', '.join(allowed)}.")
    return [event for event in allowed if event in events]


def _checked_description(text: str) -> str:
    text = " ".join(text.split())
    if len(text) > MAX_DESCRIPTION_CHARACTERS or not text.isprintable():
        raise ValidationError(f"A description has up to {MAX_DESCRIPTION_CHARACTERS} characters.")
    return text


def _subject(endpoint: WebhookEndpoint) -> str:
    return f"webhook {endpoint.id}"
