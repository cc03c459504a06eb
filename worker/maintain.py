"""Sends wake-ups and webhooks that are due, takes jobs back from dead workers, cleans up.

Several may run side by side."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared import idempotency
from shared.clock import utc_now
from shared.datasets import reports
from shared.errors import HangtagError
from shared.jobs import pruning, upkeep
from shared.log_context import configure_logging
from shared.overview import hours
from shared.settings import load_settings
from shared.webhooks.pruning import prune_deliveries
from worker.context import WorkerContext, build_context
from worker.engines.precision import may_use_int8
from worker.heartbeat import Heartbeat, forget_silent
from worker.judge import request_judgement
from worker.leftovers import remove_deleted, sweep_blobs
from worker.reaper import LOOK_SECONDS, Reaper
from worker.stopping import stop_on_signal
from worker.webhooks.sender import ABANDONED_LOOK_SECONDS, Abandoned, Sender

logger = structlog.get_logger(__name__)
DISPATCH_SECONDS = 2.0
FORGET_SECONDS = 60.0
# Orphans are a day old before they count, so there is no hurry; listing a bucket costs money.
SWEEP_SECONDS = 3600.0
# Pixels are gone already when these begin; a person who deleted a photo expects the rest within minutes.
DELETION_SECONDS = 30.0
# Pages count what is not kept by themselves, an hour of it at most.
OVERVIEW_SECONDS = 60.0
# A judgement takes a minute, and nobody waits for it: sellers are answered in full precision meanwhile.
JUDGE_SECONDS = 10.0
# After an import somebody looks at the data page; it says until then that nobody has looked.
REPORT_SECONDS = 10.0
# Long enough to be seen on a page after a crash, short enough not to pile up.
SILENT_FOR = timedelta(minutes=10)


@dataclass(slots=True)
class Duty:
    """Something to do again every `seconds`; `due` is a monotonic time."""

    name: str
    run: Callable[[], object]
    seconds: float
    due: float = 0.0


def dispatch(context: WorkerContext) -> None:
    """Publish a wake-up for every queued job that is due and was not sent lately."""
    with context.database.read() as session:
        due = upkeep.due_for_dispatch(session)
    sent = list(itertools.takewhile(lambda job: context.queue.publish(job[1], job[0]), due))
    if sent:  # the others were not stamped and come round again, for Redis is away
        context.database.transact(lambda session: upkeep.dispatched(session, [job_id for job_id, _ in sent]))


def forget(context: WorkerContext) -> None:
    """Drop silent workers, idempotency keys nobody will send again, and history older than the setting."""
    forget_silent(context.database, utc_now() - SILENT_FOR)
    context.database.transact(idempotency.forget_old)
    before = utc_now() - timedelta(days=context.settings.history_days)
    pruning.prune_attempts(context.database, before)
    prune_deliveries(context.database, before)


def request_report(context: WorkerContext) -> None:
    """Have the newest dataset version looked at, if it takes that."""
    job = context.database.transact(reports.request_next)
    if job is not None:
        context.queue.publish(job.kind, job.id)


def maintain(duties: Sequence[Duty], stop: threading.Event) -> None:
    """Do all duties again and again until `stop` is set."""
    while not stop.is_set():
        for duty in duties:
            if time.monotonic() >= duty.due:
                _perform(duty)
        stop.wait(max(0.0, min(duty.due for duty in duties) - time.monotonic()))


def _work(context: WorkerContext, stop: threading.Event) -> None:
    """Do what takes long on a thread of its own, such as listing a large bucket: wake-ups shall not wait."""
    sweeps = [
        Duty("sweep", lambda: sweep_blobs(context.database, context.blobs), SWEEP_SECONDS),
        Duty("remove_deleted", lambda: remove_deleted(context), DELETION_SECONDS),
        Duty("overview", lambda: hours.keep(context.database), OVERVIEW_SECONDS),
    ]
    threading.Thread(target=maintain, args=(sweeps, stop), name="sweep", daemon=True).start()
    sender = threading.Thread(
        target=Sender(context.database, context.settings).run, args=(stop,), name="webhooks"
    )
    sender.start()
    # Asked once: where it looks for a GPU, a broken card holds it up for seconds.
    judging = [Duty("judge", lambda: request_judgement(context), JUDGE_SECONDS)]
    maintain(
        [
            Duty("dispatch", lambda: dispatch(context), DISPATCH_SECONDS),
            Duty("reap", Reaper(context.database).look, LOOK_SECONDS),
            Duty("forget", lambda: forget(context), FORGET_SECONDS),
            Duty("report", lambda: request_report(context), REPORT_SECONDS),
            Duty("webhooks", Abandoned(context.database).look, ABANDONED_LOOK_SECONDS),
            *(judging if may_use_int8(context.settings) else []),
        ],
        stop,
    )
    sender.join()  # attempts that are under way are ended and recorded


def _perform(duty: Duty) -> None:
    """Do it once. Whatever goes wrong, the other duties and the next round go on."""
    try:
        duty.run()
    except HangtagError as error:
        logger.warning("maintenance_failed", duty=duty.name, code=error.code, detail=error.message)
    except Exception:
        logger.exception("maintenance_failed", duty=duty.name)
    duty.due = time.monotonic() + duty.seconds


def main() -> None:
    """Run until a signal asks to stop."""
    settings = load_settings()
    configure_logging(settings)
    context = build_context(settings, "maintain")
    stop = stop_on_signal()
    heartbeat = Heartbeat(context.database, context.name)
    heartbeat.start()
    logger.info("maintenance_started")
    _work(context, stop)
    heartbeat.stop()


if __name__ == "__main__":
    main()
