"""Training workers: `celery -A worker.train_app worker -Q train`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from celery import shared_task, signals

from shared.jobs.queue import TASK_NAMES
from shared.jobs.states import JobKind
from shared.log_context import configure_logging
from shared.settings import load_settings
from worker.app import worker_application
from worker.context import WorkerContext, build_context
from worker.heartbeat import Heartbeat
from worker.network.tensorflow_setup import prepare_tensorflow
from worker.stopping import PlannedStop, pass_on_stops

settings = load_settings()
app = worker_application(settings)
app.conf.imports = (__name__,)  # spawned children register the task through this
# A fresh child per training gives all memory back, a GPU's too.
app.conf.worker_max_tasks_per_child = 1
pass_on_stops()
stop = PlannedStop()


@lru_cache(maxsize=1)
def _context() -> WorkerContext:
    """What this child works with: made once, after the spawn."""
    return build_context(settings, "train")


@lru_cache(maxsize=1)
def _heartbeat() -> Heartbeat:
    return Heartbeat(_context().database, _context().name)


@shared_task(name=TASK_NAMES[JobKind.TRAIN])
def train(job_id: str) -> None:
    """Carry out one training. TensorFlow is imported here, so an idle training worker stays small."""
    prepare_tensorflow(settings.threads)  # before anything below imports it in its own way
    from worker.train import run_training  # noqa: PLC0415

    run_training(_context(), job_id, stop)


@shared_task(name=TASK_NAMES[JobKind.SWEEP])
def sweep(job_id: str) -> None:
    """Carry out one sweep, or as much of it as one process should."""
    prepare_tensorflow(settings.threads)  # before anything below imports it in its own way
    from worker.trials import run_sweep  # noqa: PLC0415

    run_sweep(_context(), job_id, stop)


@signals.worker_process_init.connect
def _start(**_: Any) -> None:
    stop.listen()
    configure_logging(settings)
    _heartbeat().start()


@signals.worker_process_shutdown.connect
def _stop(**_: Any) -> None:
    _heartbeat().stop()
