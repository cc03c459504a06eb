"""Sends wake-ups that are due and takes jobs back from dead workers. Several may run side by side."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared import idempotency
from shared.clock import utc_now
from shared.errors import HangtagError
from shared.jobs import store
from shared.log_context import configure_logging
from shared.settings import load_settings
from worker.context import WorkerContext, build_context
from worker.heartbeat import Heartbeat, forget_silent

logger = structlog.get_logger(__name__)
DISPATCH_SECONDS = 2.0
REAP_SECONDS = 5.0
FORGET_SECONDS = 60.0
# Long enough to be seen on a page after a crash, short enough not to pile up.
SILENT_FOR = timedelta(minutes=10)


@dataclass(slots=True)
class Duty:
    """Something to do again every `seconds`; `due` is a monotonic time."""

    run: Callable[[WorkerContext], None]
    seconds: float
    due: float = 0.0


def dispatch(context: WorkerContext) -> None:
    """Publish a wake-up for every queued job that is due and was not sent lately."""
    with context.database.write() as session:
        due = store.due_for_dispatch(session)
    for job_id, kind in due:
        if not context.queue.publish(kind, job_id):
            return  # Redis is away: the stamp runs out and the jobs come round again


def reap(context: WorkerContext) -> None:
    """Take jobs back whose worker stopped renewing its lease."""
    with context.database.write() as session:
        for job_id, state in store.reap(session):
            logger.warning("lease_expired", job_id=job_id, state=state.value)


def forget(context: WorkerContext) -> None:
    """Drop workers that have long been silent, and idempotency keys nobody will send again."""
    forget_silent(context.database, utc_now() - SILENT_FOR)
    with context.database.write() as session:
        idempotency.forget_old(session)


def maintain(context: WorkerContext, stop: threading.Event) -> None:
    """Do all duties again and again until `stop` is set."""
    duties = [Duty(dispatch, DISPATCH_SECONDS), Duty(reap, REAP_SECONDS), Duty(forget, FORGET_SECONDS)]
    while not stop.is_set():
        for duty in duties:
            if time.monotonic() >= duty.due:
                _perform(duty, context)
        stop.wait(max(0.0, min(duty.due for duty in duties) - time.monotonic()))


def _perform(duty: Duty, context: WorkerContext) -> None:
    try:
        duty.run(context)
    except HangtagError as error:
        logger.warning("maintenance_failed", duty=duty.run.__name__, code=error.code, detail=error.message)
    duty.due = time.monotonic() + duty.seconds


def main() -> None:
    """Run until a signal asks to stop."""
    settings = load_settings()
    configure_logging(settings)
    context = build_context(settings, "maintain")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    heartbeat = Heartbeat(context.database, context.name)
    heartbeat.start()
    logger.info("maintenance_started")
    maintain(context, stop)
    heartbeat.stop()


if __name__ == "__main__":
    main()
