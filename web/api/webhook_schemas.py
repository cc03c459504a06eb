"""What goes in and out of the API about webhooks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from shared.clock import as_utc, rfc3339
from shared.tables import WebhookDelivery, WebhookEndpoint
from shared.tables.webhooks import MAX_DESCRIPTION_CHARACTERS, MAX_URL_CHARACTERS
from shared.webhooks.states import SUBSCRIBABLE, DeliveryState, WebhookEvent
from web.api.schemas import MAX_LIMIT, Input

EVENTS: dict[str, Any] = {"items": {"type": "string", "enum": [event.value for event in SUBSCRIBABLE]}}


class WebhookIn(Input):
    """A new webhook."""

    url: str = Field(min_length=1, max_length=MAX_URL_CHARACTERS, description="Where messages are sent.")
    events: list[WebhookEvent] = Field(min_length=1, max_length=10, json_schema_extra=EVENTS)
    description: str = Field("", max_length=MAX_DESCRIPTION_CHARACTERS, description="For its owner.")


class WebhookChangeIn(Input):
    """What shall be different about a webhook; what is left out stays."""

    url: str | None = Field(None, min_length=1, max_length=MAX_URL_CHARACTERS)
    events: list[WebhookEvent] | None = Field(None, min_length=1, max_length=10)
    description: str | None = Field(None, max_length=MAX_DESCRIPTION_CHARACTERS)
    active: bool | None = Field(None, description="While it is off, nothing is noted for it or sent to it.")


class WebhooksQuery(Input):
    """Which webhooks to list."""

    cursor: str | None = Field(
        None, pattern=r"^[0-9a-f-]{36}$", description="From the link to the next page."
    )
    limit: int = Field(50, ge=1, le=MAX_LIMIT)


class DeliveriesQuery(WebhooksQuery):
    """Which deliveries to list."""

    state: DeliveryState | None = None


class ReplayIn(Input):
    """Which failed messages to send again."""

    since: Annotated[AwareDatetime, AfterValidator(as_utc)] | None = Field(
        None, description="Those written since then; all when left out."
    )


class WebhookOut(BaseModel):
    """One webhook, without its secret."""

    id: str
    user_id: str
    url: str
    description: str
    events: list[str]
    active: bool
    note: str | None = Field(description="Why Hangtag switched it off.")
    failing_since: str | None = Field(description="Since when nothing has arrived.")
    previous_secret_until: str | None = Field(description="Until when the secret before signs as well.")
    created_at: str

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> WebhookOut:
        """The public view of an endpoint's row."""
        return cls(
            id=endpoint.id,
            user_id=endpoint.owner_id,
            url=endpoint.url,
            description=endpoint.description,
            events=endpoint.events,
            active=endpoint.active,
            note=endpoint.note,
            failing_since=rfc3339(endpoint.failing_since),
            previous_secret_until=rfc3339(endpoint.previous_until),
            created_at=rfc3339(endpoint.created_at) or "",
        )


class WebhooksOut(BaseModel):
    """One page of webhooks, newest first. The Link header names the next page."""

    webhooks: list[WebhookOut]
    next_cursor: str | None


class WebhookAnswer(BaseModel):
    """A webhook and its secret, which is shown here and never again."""

    webhook: WebhookOut
    secret: str


class DeliveryOut(BaseModel):
    """One message and how its last attempt went. Its `id` is what receivers get as `webhook-id`."""

    id: str
    event: str
    state: DeliveryState
    job_id: str | None
    batch_id: str | None
    attempt: int
    created_at: str
    next_at: str | None = Field(description="When it is sent next, if it waits.")
    sent_at: str | None
    status: int | None = Field(description="What the receiver answered.")
    duration_ms: int | None
    answer: str | None = Field(description="How its answer began.")
    error: str | None = Field(description="Why it did not arrive.")
    ended_at: str | None

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> DeliveryOut:
        """The public view of a delivery's row."""
        return cls(
            id=delivery.id,
            event=delivery.event,
            state=delivery.state,
            job_id=delivery.job_id,
            batch_id=delivery.batch_id,
            attempt=delivery.attempt,
            created_at=rfc3339(delivery.created_at) or "",
            next_at=rfc3339(delivery.next_at) if delivery.state is DeliveryState.WAITING else None,
            sent_at=rfc3339(delivery.sent_at),
            status=delivery.status,
            duration_ms=delivery.duration_ms,
            answer=delivery.answer,
            error=delivery.error,
            ended_at=rfc3339(delivery.ended_at),
        )


class DeliveryAnswer(BaseModel):
    """One message that will be sent."""

    delivery: DeliveryOut


class DeliveriesOut(BaseModel):
    """One page of messages, newest first. The Link header names the next page."""

    deliveries: list[DeliveryOut]
    next_cursor: str | None


class ReplayedOut(BaseModel):
    """How many messages will be sent again."""

    count: int
