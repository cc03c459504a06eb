"""One's own webhooks: where they go, their secrets, and the log of what was sent."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared.clock import utc_now
from shared.errors import ConflictError, HangtagError, NotFoundError, ValidationError
from shared.tables.webhooks import MAX_DESCRIPTION_CHARACTERS, MAX_URL_CHARACTERS
from shared.webhooks import deliveries, endpoints, replaying
from shared.webhooks.states import DeliveryState
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.webhook_rows import (
    STATE_WORDS,
    delivery_row,
    event_choices,
    state_of,
    webhook_row,
)
from web.pages.present.words import plural
from web.services import services

DELIVERIES_PER_PAGE = 50
MAX_LISTED = 200
# How far back failed messages are sent again, in hours; 0 is all of them.
SINCE = {0: "All that failed", 1: "Those of the last hour", 24: "Those of the last day"}


@blueprint.get("/account/webhooks")
@page_login_required()
def webhooks() -> str:
    """One's webhooks, and a form for another one."""
    return _render_list()


@blueprint.post("/account/webhooks")
@page_login_required()
def add_webhook() -> str | tuple[str, int]:
    """Add a webhook and show its secret, once."""
    form = request.form
    try:
        with services().database.write() as session:
            endpoint, secret = endpoints.add(
                session,
                services().settings,
                identity().user.id,
                form.get("url", ""),
                form.getlist("events"),
                form.get("description", ""),
            )
    except (ValidationError, ConflictError) as error:
        return _render_list(error), error.status
    return _render(endpoint.id, secret=secret)


@blueprint.get("/account/webhooks/<webhook_id>")
@page_login_required()
def webhook(webhook_id: str) -> str:
    """One webhook and its log."""
    return _render(webhook_id)


@blueprint.post("/account/webhooks/<webhook_id>")
@page_login_required()
def change_webhook(webhook_id: str) -> Response | tuple[str, int]:
    """Change where it goes and what for, or switch it on or off."""
    user, form = identity().user, request.form
    try:
        with services().database.write() as session:
            endpoint = endpoints.find(session, webhook_id, user.id, change=True)
            endpoints.change(
                session,
                services().settings,
                endpoint,
                by=user.name,
                url=form.get("url"),
                events=form.getlist("events") if "url" in form else None,
                description=form.get("description"),
                active=form["active"] == "yes" if "active" in form else None,
            )
    except (ValidationError, ConflictError) as error:
        return _render(webhook_id, error=error), error.status
    flash("The webhook is changed.", DONE)
    return _back(webhook_id)


@blueprint.post("/account/webhooks/<webhook_id>/secret")
@page_login_required()
def rotate_webhook(webhook_id: str) -> str:
    """Make another secret and show it, once."""
    user = identity().user
    with services().database.write() as session:
        endpoint = endpoints.find(session, webhook_id, user.id, change=True)
        secret = endpoints.rotate(session, services().settings, endpoint, by=user.name)
    return _render(webhook_id, secret=secret)


@blueprint.post("/account/webhooks/<webhook_id>/test")
@page_login_required()
def test_webhook(webhook_id: str) -> Response | tuple[str, int]:
    """Have a test message sent."""
    try:
        with services().database.write() as session:
            replaying.test(session, endpoints.find(session, webhook_id, identity().user.id))
    except ConflictError as error:
        return _render(webhook_id, error=error), error.status
    flash("A test message is on its way. It is the first line of the log.", DONE)
    return _back(webhook_id)


@blueprint.post("/account/webhooks/<webhook_id>/remove")
@page_login_required()
def remove_webhook(webhook_id: str) -> Response:
    """Remove a webhook with its log."""
    user = identity().user
    with services().database.write() as session:
        endpoint = endpoints.find(session, webhook_id, user.id, change=True)
        endpoints.remove(session, endpoint, by=user.name)
    flash("The webhook is removed.", DONE)
    return redirect(url_for("pages.webhooks"), code=303)


@blueprint.post("/account/webhooks/<webhook_id>/replay")
@page_login_required()
def replay_failed_deliveries(webhook_id: str) -> Response:
    """Send what failed again."""
    with services().database.read() as session:
        endpoints.find(session, webhook_id, identity().user.id)
    hours = request.form.get("hours", 0, type=int)
    since = utc_now() - timedelta(hours=hours) if hours in SINCE and hours else None
    count = replaying.replay_failed(services().database, webhook_id, since)
    flash(
        f"{plural(count, 'message is', 'messages are')} sent again." if count else "Nothing has failed.", DONE
    )
    return _back(webhook_id)


@blueprint.post("/account/webhooks/<webhook_id>/deliveries/<delivery_id>/replay")
@page_login_required()
def replay_delivery(webhook_id: str, delivery_id: str) -> Response | tuple[str, int]:
    """Send one message again."""
    try:
        with services().database.write() as session:
            endpoint = endpoints.find(session, webhook_id, identity().user.id)
            replaying.replay(session, endpoint, delivery_id)
    except ConflictError as error:
        return _render(webhook_id, error=error), error.status
    flash("The message is sent again.", DONE)
    return _back(webhook_id)


def _render_list(error: HangtagError | None = None) -> str:
    user = identity().user
    with services().database.read() as session:
        found = endpoints.page(session, user.id, limit=MAX_LISTED).items
    return render_template(
        "webhooks/index.html",
        rows=[webhook_row(endpoint) for endpoint in found],
        choices=event_choices(user.role),
        error=error.message if error else "",
        typed={name: request.form.get(name, "") for name in ("url", "description")},
        ticked=request.form.getlist("events") or ["job.succeeded", "job.failed"],
        max_url=MAX_URL_CHARACTERS,
        max_description=MAX_DESCRIPTION_CHARACTERS,
    )


def _render(webhook_id: str, *, secret: str = "", error: HangtagError | None = None) -> str:
    user = identity().user
    state = _chosen_state()
    cursor = request.args.get("cursor")
    with services().database.read() as session:
        endpoint = endpoints.find(session, webhook_id, user.id)
        page = deliveries.page(session, webhook_id, state=state, cursor=cursor, limit=DELIVERIES_PER_PAGE)
    rows = [delivery_row(delivery) for delivery in page.items]
    return render_template(
        "webhooks/webhook.html",
        webhook=endpoint,
        state=state_of(endpoint),
        secret_text=secret,
        error=error.message if error else "",
        choices=event_choices(user.role),
        rows=rows,
        live=any(delivery.state is DeliveryState.SENDING or not delivery.attempt for delivery in page.items),
        states=STATE_WORDS,
        chosen=state,
        since=SINCE,
        query={"webhook_id": webhook_id, **({"state": state.value} if state else {})},
        cursor=cursor,
        next_cursor=page.next_cursor,
        max_url=MAX_URL_CHARACTERS,
        max_description=MAX_DESCRIPTION_CHARACTERS,
    )


def _chosen_state() -> DeliveryState | None:
    """The filter in the address.

    Raises:
        NotFoundError: it names no state of a message.
    """
    value = request.args.get("state")
    if not value:
        return None
    try:
        return DeliveryState(value)
    except ValueError as error:
        raise NotFoundError(f"There are no deliveries with the state {value[:40]!r}.") from error


def _back(webhook_id: str) -> Response:
    return redirect(url_for("pages.webhook", webhook_id=webhook_id), code=303)
