"""A bell in Redis that rings when jobs may have ended, so that whoever waits for one looks at once.

It carries nothing, and nobody relies on it: who does not hear it looks all the same, a little later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from redis.client import PubSub

from shared.redis_client import impatient_client
from shared.settings import Settings

logger = structlog.get_logger(__name__)
CHANNEL = "hangtag:jobs-ended"
# Who rings writes answers, and who listens looks for others: neither may wait long for a frozen Redis.
ANSWER_SECONDS = 0.5
# After Redis did not answer, it is not asked again for this long.
PAUSE_SECONDS = 5.0

# Returns at the next ring, at the latest after so many seconds; False, at once, when nothing can be heard.
Hears = Callable[[float], bool]


class Bell:
    """Rings, and is heard, as far as Redis answers."""

    def __init__(self, settings: Settings) -> None:
        self._redis = impatient_client(settings, ANSWER_SECONDS)
        self._away_until = 0.0

    def ring(self) -> None:
        """Have everybody look who waits for jobs. Call it after the commit that they shall see."""
        self._asked(lambda: self._redis.publish(CHANNEL, ""))

    @contextmanager
    def listening(self) -> Iterator[Hears]:
        """What is rung from here on is heard by the callable that this gives, one ring per call."""
        with PubSub(self._redis.connection_pool, ignore_subscribe_messages=True) as line:
            self._asked(lambda: line.subscribe(CHANNEL))
            yield lambda seconds: self._asked(lambda: self._next(line, seconds), line)

    def _next(self, line: PubSub, seconds: float) -> None:
        if not line.subscribed:
            line.subscribe(CHANNEL)
        line.get_message(timeout=seconds)

    def _asked(self, command: Callable[[], object], line: PubSub | None = None) -> bool:
        """Whether Redis took a command. After one that it did not take, it is left alone for a while."""
        if time.monotonic() < self._away_until:
            return False
        try:
            command()
        except Exception as error:  # noqa: BLE001 - whatever fails here, who waits looks all the same
            self._away_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("bell_not_reached", error=repr(error))
            if line is not None:
                line.reset()
            return False
        return True
