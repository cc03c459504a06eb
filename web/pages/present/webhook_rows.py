"""Webhooks and their messages as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.tables import WebhookDelivery, WebhookEndpoint
from shared.webhooks.states import FOR_ADMINS, SUBSCRIBABLE, DeliveryState, WebhookEvent
from web.pages.present.words import StateWord

EVENT_WORDS = {
    WebhookEvent.JOB_SUCCEEDED: "A photo was answered, or another job succeeded",
    WebhookEvent.JOB_FAILED: "A job failed",
    WebhookEvent.JOB_CANCELLED: "A job was cancelled",
    WebhookEvent.BATCH_FINISHED: "Every photo of a batch has its outcome",
    WebhookEvent.VERSION_PROMOTED: "Another version answers sellers",
}
STATE_WORDS = {
    DeliveryState.WAITING: StateWord("Waiting", "clock", "quiet"),
    DeliveryState.SENDING: StateWord("Being sent", "turning", "busy"),
    DeliveryState.DELIVERED: StateWord("Delivered", "check", "good"),
    DeliveryState.FAILED: StateWord("Failed", "cross", "bad"),
}
ON = StateWord("On", "check", "good")
FAILING = StateWord("Failing", "warning", "warn")
OFF = StateWord("Off", "minus", "quiet")


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """One endpoint in a list."""

    id: str
    url: str
    description: str
    events: str
    state: StateWord
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One message in the log of an endpoint."""

    id: str
    event: str
    job_id: str | None
    batch_id: str | None
    state: StateWord
    button: str | None  # what sending it by hand is called, where that makes sense
    attempt: int
    created_at: datetime
    next_at: datetime | None
    outcome: str
    answer: str


def event_choices(role: str) -> dict[str, str]:
    """What somebody with this role can be told, in words."""
    return {
        event.value: EVENT_WORDS[event]
        for event in SUBSCRIBABLE
        if role == "admin" or event not in FOR_ADMINS
    }


def state_of(endpoint: WebhookEndpoint) -> StateWord:
    """How an endpoint stands."""
    if not endpoint.active:
        return OFF
    return FAILING if endpoint.failing_since is not None else ON


def webhook_row(endpoint: WebhookEndpoint) -> WebhookRow:
    """An endpoint as a row."""
    return WebhookRow(
        id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        events=", ".join(endpoint.events),
        state=state_of(endpoint),
        created_at=endpoint.created_at,
    )


def delivery_row(delivery: WebhookDelivery) -> DeliveryRow:
    """A message as a row."""
    return DeliveryRow(
        id=delivery.id,
        event=delivery.event,
        job_id=delivery.job_id,
        batch_id=delivery.batch_id,
        state=STATE_WORDS[delivery.state],
        button=_button(delivery),
        attempt=delivery.attempt,
        created_at=delivery.created_at,
        next_at=delivery.next_at if delivery.state is DeliveryState.WAITING and delivery.attempt else None,
        outcome=_outcome(delivery),
        answer=delivery.answer or "",
    )


def _button(delivery: WebhookDelivery) -> str | None:
    if delivery.state is DeliveryState.WAITING:
        return "Send now" if delivery.attempt else None
    return None if delivery.state is DeliveryState.SENDING else "Send again"


def _outcome(delivery: WebhookDelivery) -> str:
    """How the last attempt went: the status or what was wrong, and how long it took."""
    if delivery.sent_at is None:
        return delivery.error or "Not sent yet"
    said = delivery.error or f"Answered {delivery.status}."
    if delivery.status is None:
        return said  # it says itself how long we waited
    return f"{said.removesuffix('.')}, after {delivery.duration_ms} ms."
