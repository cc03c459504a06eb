"""Webhooks: where somebody is told about their jobs, and the log of what was sent there."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.webhooks import deliveries, endpoints, replaying
from web.api.answers import answer, linked, problems
from web.api.webhook_schemas import (
    DeliveriesOut,
    DeliveriesQuery,
    DeliveryAnswer,
    DeliveryOut,
    ReplayedOut,
    ReplayIn,
    WebhookAnswer,
    WebhookChangeIn,
    WebhookIn,
    WebhookOut,
    WebhooksOut,
    WebhooksQuery,
)
from web.auth import identity, require
from web.services import services

blueprint = APIBlueprint("webhooks", __name__, tag="Webhooks")


@blueprint.post("/webhooks")
@require("classify")
@blueprint.input(WebhookIn)
@blueprint.output(WebhookAnswer, 201)
@blueprint.doc(
    summary="Add a webhook",
    description="Messages about your own jobs and batches, signed as the Standard Webhooks specification has "
    "it. The answer holds the secret, which is kept nowhere, so an Idempotency-Key does nothing here: asked "
    "again with the same address, the answer is 409.",
    responses=problems(400, 409, 422),
)
def create(json_data: WebhookIn) -> Response:
    """A new endpoint and its secret."""
    with services().database.write() as session:
        endpoint, secret = endpoints.add(
            session,
            services().settings,
            identity().user.id,
            json_data.url,
            json_data.events,
            json_data.description,
        )
    location = {"Location": f"/api/v1/webhooks/{endpoint.id}"}
    return answer(WebhookAnswer(webhook=WebhookOut.of(endpoint), secret=secret), 201, location)


@blueprint.get("/webhooks")
@require("read")
@blueprint.input(WebhooksQuery, location="query")
@blueprint.output(WebhooksOut)
@blueprint.doc(
    summary="List webhooks",
    description="Your own, newest first; with `admin` everybody's.",
    responses=problems(422),
)
def index(query_data: WebhooksQuery) -> Response:
    """One page of endpoints."""
    with services().database.read() as session:
        page = endpoints.page(session, identity().owner_filter, query_data.cursor, query_data.limit)
    body = WebhooksOut(webhooks=[WebhookOut.of(item) for item in page.items], next_cursor=page.next_cursor)
    return linked(answer(body), page.next_cursor)


@blueprint.get("/webhooks/<webhook_id>")
@require("read")
@blueprint.output(WebhookOut)
@blueprint.doc(summary="Look at a webhook", responses=problems(404))
def show(webhook_id: str) -> Response:
    """One endpoint."""
    with services().database.read() as session:
        return answer(WebhookOut.of(endpoints.find(session, webhook_id, identity().owner_filter)))


@blueprint.patch("/webhooks/<webhook_id>")
@require("classify")
@blueprint.input(WebhookChangeIn)
@blueprint.output(WebhookOut)
@blueprint.doc(
    summary="Change a webhook",
    description="What waits for one that is off is sent when it is on again.",
    responses=problems(400, 404, 409, 422),
)
def change(webhook_id: str, json_data: WebhookChangeIn) -> Response:
    """Change what is given."""
    known = identity()
    with services().database.write() as session:
        endpoint = endpoints.find(session, webhook_id, known.owner_filter, change=True)
        wanted = json_data.model_dump(exclude_none=True)
        endpoints.change(session, services().settings, endpoint, by=known.user.name, **wanted)
    return answer(WebhookOut.of(endpoint))


@blueprint.delete("/webhooks/<webhook_id>")
@require("classify")
@blueprint.output({}, 204, description="Removed")
@blueprint.doc(
    summary="Remove a webhook",
    description="Its log goes with it, and what waits is not sent.",
    responses=problems(404),
)
def remove(webhook_id: str) -> Response:
    """Remove an endpoint."""
    known = identity()
    with services().database.write() as session:
        endpoint = endpoints.find(session, webhook_id, known.owner_filter, change=True)
        endpoints.remove(session, endpoint, by=known.user.name)
    return Response(status=204)


@blueprint.post("/webhooks/<webhook_id>/secret")
@require("classify")
@blueprint.output(WebhookAnswer)
@blueprint.doc(
    summary="Make a new secret",
    description="Messages are signed with both for 24 hours, so give the receiver the new one within a day.",
    responses=problems(404),
)
def rotate(webhook_id: str) -> Response:
    """Another secret for an endpoint."""
    known = identity()
    with services().database.write() as session:
        endpoint = endpoints.find(session, webhook_id, known.owner_filter, change=True)
        secret = endpoints.rotate(session, services().settings, endpoint, by=known.user.name)
    return answer(WebhookAnswer(webhook=WebhookOut.of(endpoint), secret=secret))


@blueprint.post("/webhooks/<webhook_id>/test")
@require("classify")
@blueprint.output(DeliveryAnswer, 202)
@blueprint.doc(
    summary="Send a test message",
    description="Its type is `test`. Look at the deliveries to see what came of it.",
    responses=problems(404, 409),
)
def test(webhook_id: str) -> Response:
    """Have a test message sent."""
    with services().database.write() as session:
        endpoint = endpoints.find(session, webhook_id, identity().owner_filter)
        delivery = replaying.test(session, endpoint)
    return answer(DeliveryAnswer(delivery=DeliveryOut.of(delivery)), 202)


@blueprint.get("/webhooks/<webhook_id>/deliveries")
@require("read")
@blueprint.input(DeliveriesQuery, location="query")
@blueprint.output(DeliveriesOut)
@blueprint.doc(
    summary="List deliveries",
    description="Messages of one webhook, newest first, each with its last attempt.",
    responses=problems(404, 422),
)
def log(webhook_id: str, query_data: DeliveriesQuery) -> Response:
    """One page of an endpoint's messages."""
    with services().database.read() as session:
        endpoints.find(session, webhook_id, identity().owner_filter)
        page = deliveries.page(session, webhook_id, **query_data.model_dump())
    found = [DeliveryOut.of(delivery) for delivery in page.items]
    return linked(answer(DeliveriesOut(deliveries=found, next_cursor=page.next_cursor)), page.next_cursor)


@blueprint.post("/webhooks/<webhook_id>/deliveries/<delivery_id>/replay")
@require("classify")
@blueprint.output(DeliveryAnswer, 202)
@blueprint.doc(
    summary="Send a message again",
    description="Under the same `webhook-id`, with what is known by now. 409 while it is being sent.",
    responses=problems(404, 409),
)
def replay(webhook_id: str, delivery_id: str) -> Response:
    """Send one message again."""
    with services().database.write() as session:
        endpoint = endpoints.find(session, webhook_id, identity().owner_filter)
        delivery = replaying.replay(session, endpoint, delivery_id)
    return answer(DeliveryAnswer(delivery=DeliveryOut.of(delivery)), 202)


@blueprint.post("/webhooks/<webhook_id>/replay")
@require("classify")
@blueprint.input(ReplayIn)
@blueprint.output(ReplayedOut, 202)
@blueprint.doc(
    summary="Send failed messages again",
    description="All of a webhook's, or those since a moment.",
    responses=problems(400, 404, 422),
)
def replay_failed(webhook_id: str, json_data: ReplayIn) -> Response:
    """Send what failed again."""
    with services().database.read() as session:
        endpoints.find(session, webhook_id, identity().owner_filter)
    count = replaying.replay_failed(services().database, webhook_id, json_data.since)
    return answer(ReplayedOut(count=count), 202)
