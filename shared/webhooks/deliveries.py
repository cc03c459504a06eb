"""Messages on their way: claimed, recorded, given up, sent again, listed, pruned.

As with jobs, a claim counts the attempt and what comes of it is fenced by that number. Each endpoint stands
alone: so many messages at a time and no more, one at a time while it fails, and none during its pauses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, or_, select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.errors import PhotoDeletedError
from shared.jobs.backoff import backoff
from shared.paging import Page, newest_first
from shared.tables import Job, User, WebhookDelivery, WebhookEndpoint
from shared.tables.webhooks import MAX_ATTEMPTS
from shared.webhooks import payloads
from shared.webhooks.states import DeliveryState

# 10 s, 20 s, 40 s, ... 6 h: fifteen attempts reach over about 23 hours.
LONGEST_WAIT_SECONDS = 6 * 3600
# An endpoint that does not answer is asked again at least this often, whatever waits for it.
LONGEST_PAUSE_SECONDS = 300
# What a receiver may ask for with Retry-After.
LONGEST_RETRY_AFTER_SECONDS = 24 * 3600
# A moment further away was written before the clock was set back.
BEYOND = timedelta(seconds=2 * LONGEST_RETRY_AFTER_SECONDS)
# A slow receiver holds this many of the sender's places, and a failing one a single one.
AT_ONCE_PER_ENDPOINT = 4
# An endpoint that has failed this often in a row, for this long, is switched off.
GIVE_UP_FAILURES = 20
GIVE_UP_AFTER = timedelta(days=3)
GONE = 410
TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message that was claimed: to be sent once, now."""

    delivery_id: str
    attempt: int
    endpoint: WebhookEndpoint
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. `error` says what went wrong; without it the receiver took the message."""

    sent_at: datetime
    duration_ms: int
    status: int | None = None
    answer: str | None = None
    error: str | None = None
    retry_after: float | None = None
    unsigned: bool = False  # nothing was sent, for the secret is not the one its owner was given

    @property
    def receiver_in_trouble(self) -> bool:
        """Whether others would fare no better: no answer, or one that speaks of load or a defect."""
        return self.error is not None and (
            self.status is None
            or self.status >= 500
            or self.status == TOO_MANY
            or self.retry_after is not None
        )


def anything_due(session: Session) -> bool:
    """Whether `claim` would find something. Costs a look into an index per endpoint."""
    return session.scalar(_ready(utc_now()).limit(1)) is not None


def claim(session: Session, limit: int) -> list[Outgoing]:
    """Take up to `limit` messages that are due, a fair share of each endpoint's, with what they say."""
    now = utc_now()
    # In random order, so that nobody is always last. Locked, so that two senders never exceed a share.
    ready = _ready(now).order_by(func.random()).limit(limit)
    endpoints = session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.id.in_(session.scalars(ready).all()))
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    busy = _busy(session, [endpoint.id for endpoint in endpoints])
    claimed: list[Outgoing] = []
    for endpoint in endpoints:
        share = 1 if endpoint.failures else AT_ONCE_PER_ENDPOINT
        room = min(share - busy[endpoint.id], limit - len(claimed))
        claimed += _take(session, endpoint, room, now)
    return claimed


def record(session: Session, delivery_id: str, attempt: int, outcome: Outcome) -> bool:
    """Note what came of an attempt. Returns False, with nothing noted, if the attempt is no longer ours."""
    theirs = select(WebhookDelivery.endpoint_id).where(WebhookDelivery.id == delivery_id)
    # The endpoint first, as whoever removes it does, so that nobody waits in a circle.
    endpoint = session.scalar(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.id.in_(theirs))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    delivery = session.scalar(_held(delivery_id, attempt).with_for_update())
    if endpoint is None or delivery is None:
        return False
    now = utc_now()
    delivery.sent_at, delivery.duration_ms = outcome.sent_at, outcome.duration_ms
    delivery.status, delivery.error = outcome.status, outcome.error
    delivery.answer = None if _photo_is_gone(session, delivery) else outcome.answer
    if outcome.error is None:
        delivery.state, delivery.ended_at = DeliveryState.DELIVERED, now
        endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None
    else:
        _note_failure(endpoint, outcome, now)
        gone = outcome.status == GONE
        _try_again(
            delivery, now, outcome.retry_after or 0, last=gone or delivery.attempt >= delivery.max_attempts
        )
    session.flush()
    return True


def lose(session: Session, delivery_id: str, attempt: int) -> None:
    """Take a message back from a sender that is gone. It may have arrived; it is sent again."""
    delivery = session.scalar(_held(delivery_id, attempt).with_for_update(skip_locked=True))
    if delivery is not None:
        delivery.error = "The sender stopped before it knew the answer."
        last = delivery.attempt >= delivery.max_attempts
        now = utc_now()
        delivery.state = DeliveryState.FAILED if last else DeliveryState.WAITING
        delivery.next_at, delivery.ended_at = now, now if last else None


def under_way(session: Session) -> list[tuple[str, int]]:
    """Every attempt somebody is making: the message's id and the attempt's number."""
    query = select(WebhookDelivery.id, WebhookDelivery.attempt)
    return [(row.id, row.attempt) for row in session.execute(query.where(_in(DeliveryState.SENDING)))]


def page(
    session: Session,
    endpoint_id: str,
    *,
    state: DeliveryState | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[WebhookDelivery, str]:
    """One page of an endpoint's messages, newest first. `cursor` is the last id of the page before."""
    query = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    return newest_first(session, query, WebhookDelivery.id, cursor, limit)


def _ready(now: datetime) -> Select[str]:
    """The endpoints something may be sent to at this moment, and is to be."""
    sending = (
        select(func.count())
        .select_from(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == WebhookEndpoint.id, _in(DeliveryState.SENDING))
        .scalar_subquery()
    )
    due = and_(WebhookDelivery.endpoint_id == WebhookEndpoint.id, _in(DeliveryState.WAITING), _due(now))
    pause = WebhookEndpoint.paused_until
    return (
        select(WebhookEndpoint.id)
        .join(User, User.id == WebhookEndpoint.owner_id)
        .where(
            WebhookEndpoint.active,
            User.disabled_at.is_(None),
            or_(pause.is_(None), pause <= now, pause > now + BEYOND),
            or_(sending == 0, and_(WebhookEndpoint.failures == 0, sending < AT_ONCE_PER_ENDPOINT)),
            exists().where(due),
        )
    )


def _held(delivery_id: str, attempt: int) -> Select[WebhookDelivery]:
    return select(WebhookDelivery).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.attempt == attempt, _in(DeliveryState.SENDING)
    )


def _busy(session: Session, endpoint_ids: Sequence[str]) -> Counter[str]:
    rows = session.execute(
        select(WebhookDelivery.endpoint_id, func.count())
        .where(WebhookDelivery.endpoint_id.in_(endpoint_ids), _in(DeliveryState.SENDING))
        .group_by(WebhookDelivery.endpoint_id)
    )
    return Counter(dict(rows.all()))


def _take(session: Session, endpoint: WebhookEndpoint, room: int, now: datetime) -> Iterable[Outgoing]:
    if room <= 0:
        return []
    waiting = select(WebhookDelivery).where(
        WebhookDelivery.endpoint_id == endpoint.id, _in(DeliveryState.WAITING), _due(now)
    )
    found = session.scalars(
        waiting.order_by(WebhookDelivery.next_at, WebhookDelivery.id)
        .limit(room)
        .with_for_update(skip_locked=True)
    ).all()
    for delivery in found:
        delivery.state, delivery.attempt = DeliveryState.SENDING, delivery.attempt + 1
    return [
        Outgoing(delivery.id, delivery.attempt, endpoint, payloads.body(session, delivery))
        for delivery in found
    ]


def _photo_is_gone(session: Session, delivery: WebhookDelivery) -> bool:
    """Whether the photo was deleted meanwhile: what a receiver says may repeat what it was told about it."""
    codes = select(Job.error_code).where(Job.id == delivery.job_id)
    return session.scalar(codes) == PhotoDeletedError.code


def _note_failure(endpoint: WebhookEndpoint, outcome: Outcome, now: datetime) -> None:
    if endpoint.paused_until is None or endpoint.paused_until <= now:  # else it is the same trouble
        endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    if outcome.receiver_in_trouble:
        pause = backoff(endpoint.failures, LONGEST_PAUSE_SECONDS)
        endpoint.paused_until = now + max(pause, timedelta(seconds=outcome.retry_after or 0))
    if outcome.unsigned:
        _switch_off(endpoint, outcome.error or "")
    elif outcome.status == GONE:
        _switch_off(endpoint, "The receiver said that this address is gone for good (410).")
    elif endpoint.failures >= GIVE_UP_FAILURES and now - endpoint.failing_since >= GIVE_UP_AFTER:
        _switch_off(
            endpoint, f"Nothing has arrived for {GIVE_UP_AFTER.days} days. Last: {outcome.error}"[:300]
        )


def _switch_off(endpoint: WebhookEndpoint, note: str) -> None:
    """Send nothing more to an endpoint until its owner switches it on; what waits for it stays."""
    endpoint.active, endpoint.note = False, note


def _try_again(delivery: WebhookDelivery, now: datetime, retry_after: float, *, last: bool) -> None:
    if last:
        delivery.state, delivery.ended_at = DeliveryState.FAILED, now
        return
    tried = delivery.attempt - (delivery.max_attempts - MAX_ATTEMPTS)  # since it was last sent by hand
    wait = max(backoff(tried, LONGEST_WAIT_SECONDS), timedelta(seconds=retry_after))
    delivery.state, delivery.next_at = DeliveryState.WAITING, now + wait


def _in(state: DeliveryState) -> ColumnElement[bool]:
    # Written out: as a parameter, SQLite would not see that its indexes over one state fit.
    return WebhookDelivery.state == literal_column(f"'{state.value}'")


def _due(now: datetime) -> ColumnElement[bool]:
    return or_(WebhookDelivery.next_at <= now, WebhookDelivery.next_at > now + BEYOND)
