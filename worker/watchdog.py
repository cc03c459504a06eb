"""Ends a worker that has gone deaf, so that whoever supervises it starts a new one.

Celery 5.7 may wait for ever on a connection that is gone, for one when Redis dies while a message is being
acknowledged: it logs the error, looks alive and takes nothing any more. The fault tests have met that. When
it is asked to stop it goes on waiting, and whoever stops everything would wait for it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import redis
import structlog
from celery import Celery, signals
from celery.worker import state

from shared.redis_client import impatient_client
from shared.settings import Settings

logger = structlog.get_logger(__name__)
LOOK_SECONDS = 5.0
# Half a minute. One that hears takes a message within milliseconds, and a look that comes late counts once.
DEAF_LOOKS = 6
# A worker that has nothing to do ends within a few seconds, also on a machine that is busy with other things.
STUCK_LOOKS = 4
REDIS_SECONDS = 2.0
# sysexits.h, EX_SOFTWARE.
EXIT_DEAF = 70


class Watchdog:
    """Notices when messages wait in Redis and none arrives here, although nothing is being done."""

    def __init__(self, waiting: Callable[[], bool], busy: Callable[[], bool]) -> None:
        self._waiting = waiting
        self._busy = busy
        self._heard = False
        self._silent_looks = 0

    def hear(self, **_: object) -> None:
        """A message has arrived. Serves as a signal handler."""
        self._heard = True

    def look(self) -> bool:
        """Whether this worker has gone deaf."""
        heard, self._heard = self._heard, False
        well = heard or self._busy() or not self._waiting()
        self._silent_looks = 0 if well else self._silent_looks + 1
        return self._silent_looks >= DEAF_LOOKS


def end_when_deaf(app: Celery, settings: Settings) -> None:
    """Have the Celery worker of this process watched, from its start and through its orderly end."""
    watchdog = Watchdog(lambda: messages_wait(app, settings), _busy)
    asked_to_stop = threading.Event()

    def watch() -> None:
        while not asked_to_stop.wait(LOOK_SECONDS):
            if watchdog.look():
                _end("worker_deaf", "Wake-ups wait and none arrives here: ending.")
        idle_looks = 0
        while idle_looks < STUCK_LOOKS:
            time.sleep(LOOK_SECONDS)
            idle_looks = 0 if _busy() else idle_looks + 1
        _end("worker_stuck", "It shall stop, has nothing to do and is still here: ending.")

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)

    def start(**_: object) -> None:
        if thread.ident is None:  # a worker is ready again after each reconnection
            thread.start()

    # weak=False: nothing else would keep these functions alive.
    signals.task_received.connect(watchdog.hear, weak=False)
    signals.worker_ready.connect(start, weak=False)
    signals.worker_shutting_down.connect(lambda **_: asked_to_stop.set(), weak=False)


def _busy() -> bool:
    return bool(state.reserved_requests)


def _end(event: str, detail: str) -> None:
    logger.critical(event, detail=detail)
    os._exit(EXIT_DEAF)  # an orderly end would wait for the connection that is gone


def messages_wait(app: Celery, settings: Settings) -> bool:
    """Whether any of this worker's queues holds messages. Not that we know, when Redis cannot be asked."""
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    client = impatient_client(settings, REDIS_SECONDS)
    try:
        return any(client.llen(f"{prefix}{queue}") for queue in app.amqp.queues.consume_from)
    except redis.RedisError:
        return False
    finally:
        client.close()
