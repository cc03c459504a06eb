"""Sends what the outbox holds: many messages at once, a bounded number per endpoint, each until it arrives.

One event loop sends; each round records what has come back and claims what is due, in one transaction.
Several senders may run side by side. One that dies leaves messages behind as being sent; whoever watches
(`Abandoned`) gives them back to the queue after a minute, so that they may arrive twice and are never lost.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import Database
from shared.errors import HangtagError
from shared.settings import Settings
from shared.webhooks import deliveries, signing
from shared.webhooks.deliveries import Outcome, Outgoing
from worker.webhooks.post import TOTAL_SECONDS, Poster

logger = structlog.get_logger(__name__)
# Sockets, not threads: enough for a hundred receivers that answer within a tenth of a second.
AT_ONCE = 16
LOOK_SECONDS = 1.0
# An attempt is over within TOTAL_SECONDS and recorded at once; six times that is a dead sender.
ABANDONED_SECONDS = 6 * TOTAL_SECONDS
ABANDONED_LOOK_SECONDS = 5.0
LONGEST_STEP_SECONDS = 2 * ABANDONED_LOOK_SECONDS
KEY_CHANGED = (
    "The server's own key was changed, and this webhook's secret with it. Make a new secret, give it to the "
    "receiver, and switch the webhook on again."
)


@dataclass(frozen=True, slots=True)
class _Sent:
    """One attempt and what came of it."""

    outgoing: Outgoing
    outcome: Outcome


class Sender:
    """Sends messages from one thread until it is asked to stop."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._unrecorded: list[_Sent] = []

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; attempts that are under way are ended and recorded."""
        while not stop.is_set():
            try:
                asyncio.run(self._work(stop))
            except Exception:  # whatever it was, the next messages shall be sent
                logger.exception("webhook_sender_failed")
                stop.wait(LOOK_SECONDS)

    async def _work(self, stop: threading.Event) -> None:
        poster = Poster(self._settings, AT_ONCE)
        under_way: set[asyncio.Task[_Sent]] = set()
        try:
            while not stop.is_set():
                claimed = await asyncio.to_thread(self._round, AT_ONCE - len(under_way))
                under_way |= {asyncio.create_task(self._send(poster, message)) for message in claimed}
                under_way = await self._collect(under_way, LOOK_SECONDS)
            while under_way:
                under_way = await self._collect(under_way, TOTAL_SECONDS)
            await asyncio.to_thread(self._round, 0)
        finally:
            poster.close()

    async def _collect(self, under_way: set[asyncio.Task[_Sent]], seconds: float) -> set[asyncio.Task[_Sent]]:
        """Wait for an attempt to end, for so long at most. Returns those that go on."""
        if not under_way:
            await asyncio.sleep(seconds)
            return under_way
        done, rest = await asyncio.wait(under_way, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        self._unrecorded += [task.result() for task in done]
        return rest

    def _round(self, room: int) -> list[Outgoing]:
        """Record what has come back and claim up to `room` messages. Nothing while the database is away."""
        try:
            with self._database.read() as session:
                wanted = room > 0 and deliveries.anything_due(session)
            if not wanted and not self._unrecorded:
                return []
            recorded, claimed = self._database.transact(
                lambda session: self._turn(session, room if wanted else 0)
            )
        except HangtagError as error:
            logger.warning("webhooks_wait", code=error.code, detail=error.message)
            return []
        except Exception:  # one odd row must not hold all others up; what it was part of is sent again
            logger.exception("webhooks_wait")
            self._unrecorded.clear()
            return []
        self._unrecorded.clear()
        for sent, ours in recorded:
            _tell(sent, ours)
        return claimed

    def _turn(self, session: Session, room: int) -> tuple[list[tuple[_Sent, bool]], list[Outgoing]]:
        """The attempts that were recorded, each with whether it still was ours, and what was claimed."""
        recorded = []
        # In the order of the endpoints, so that two senders wait for each other and never in a circle.
        for sent in sorted(self._unrecorded, key=lambda sent: sent.outgoing.endpoint.id):
            outgoing = sent.outgoing
            ours = deliveries.record(session, outgoing.delivery_id, outgoing.attempt, sent.outcome)
            recorded.append((sent, ours))
        return recorded, deliveries.claim(session, room) if room else []

    async def _send(self, poster: Poster, outgoing: Outgoing) -> _Sent:
        now = utc_now()
        keys = signing.keys(outgoing.endpoint, self._settings.secret_key, now)
        if not keys:
            return _Sent(outgoing, Outcome(now, 0, error=KEY_CHANGED, unsigned=True))
        signed = signing.headers(keys, outgoing.delivery_id, int(now.timestamp()), outgoing.body)
        return _Sent(outgoing, await poster.post(outgoing.endpoint.url, signed, outgoing.body))


def _tell(sent: _Sent, ours: bool) -> None:
    logger.info(
        "webhook_sent" if ours else "webhook_lease_lost",
        delivery_id=sent.outgoing.delivery_id,
        attempt=sent.outgoing.attempt,
        status=sent.outcome.status,
        error=sent.outcome.error,
    )


class Abandoned:
    """Gives messages back whose sender died. Silence is counted on our own clock, as for jobs."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._last_look = clock()
        self._under_way_for: dict[tuple[str, int], float] = {}

    def look(self) -> None:
        """Look which attempts are under way; give those back that have been for too long."""
        with self._database.read() as session:
            seen = deliveries.under_way(session)
        now = self._clock()
        # Time in which nobody could look does not count: whoever sends could not record either.
        passed, self._last_look = min(now - self._last_look, LONGEST_STEP_SECONDS), now
        before = self._under_way_for
        self._under_way_for = {
            attempt: before[attempt] + passed if attempt in before else 0.0 for attempt in seen
        }
        dead = [attempt for attempt, lasts in self._under_way_for.items() if lasts >= ABANDONED_SECONDS]
        if not dead:
            return
        with self._database.write() as session:
            for delivery_id, attempt in dead:
                deliveries.lose(session, delivery_id, attempt)
        for delivery_id, attempt in dead:
            logger.warning("webhook_abandoned", delivery_id=delivery_id, attempt=attempt)
