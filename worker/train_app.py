"""Training workers: `celery -A worker.train_app worker -Q train`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from celery import shared_task, signals
from sqlalchemy import select

from shared.jobs.queue import TASK_NAMES
from shared.jobs.states import JobKind, JobState
from shared.log_context import configure_logging
from shared.settings import load_settings
from shared.tables import Job
from worker.app import worker_application
from worker.context import WorkerContext, build_context
from worker.gpu_use import gpu_use
from worker.heartbeat import Heartbeat
from worker.network.tensorflow_setup import prepare_tensorflow
from worker.report import run_report
from worker.stopping import PlannedStop, pass_on_stops

settings = load_settings()
app = worker_application(settings)
app.conf.imports = (__name__,)  # spawned children register the task through this
# KiB. A child that has imported TensorFlow has more, a GPU's memory besides, and is replaced to give it all
# back; one that only met a late wake-up has less (68 MB measured against 540), and stays.
app.conf.worker_max_memory_per_child = 300_000
pass_on_stops()
stop = PlannedStop()


@lru_cache(maxsize=1)
def _context() -> WorkerContext:
    """What this child works with: made once, after the spawn."""
    return build_context(settings, "train")


@lru_cache(maxsize=1)
def _heartbeat() -> Heartbeat:
    return Heartbeat(_context().database, _context().name, gpu_use)


@shared_task(name=TASK_NAMES[JobKind.TRAIN])
def train(job_id: str) -> None:
    """Carry out one training. TensorFlow is imported here, so an idle training worker stays small."""
    if not _waits(job_id):
        return
    prepare_tensorflow(settings.threads)  # before anything below imports it in its own way
    from worker.train import run_training  # noqa: PLC0415

    run_training(_context(), job_id, stop)


@shared_task(name=TASK_NAMES[JobKind.SWEEP])
def sweep(job_id: str) -> None:
    """Carry out one sweep, or as much of it as one process should."""
    if not _waits(job_id):
        return
    prepare_tensorflow(settings.threads)  # before anything below imports it in its own way
    from worker.sweep import run_sweep  # noqa: PLC0415

    run_sweep(_context(), job_id, stop)


def _waits(job_id: str) -> bool:
    """Whether the job is still there to take.

    Its wake-up is sent again and again while it waits behind a long training. Those that are left when it has
    run must cost next to nothing, or the trainings after it wait for minutes.
    """
    with _context().database.read() as session:
        return session.scalar(select(Job.state).where(Job.id == job_id)) is JobState.QUEUED


@shared_task(name=TASK_NAMES[JobKind.REPORT])
def report(job_id: str) -> None:
    """Look at every photo of a dataset version."""
    if _waits(job_id):
        run_report(_context(), job_id, stop)


@shared_task(name=TASK_NAMES[JobKind.QUANTIZE])
def quantize(job_id: str) -> None:
    """Judge the int8 engine of one version. TensorFlow and NNCF run in children of their own, if at all."""
    if not _waits(job_id):
        return
    from worker.quantize import run_quantization  # noqa: PLC0415

    run_quantization(_context(), job_id, stop)


@shared_task(name=TASK_NAMES[JobKind.RESCORE])
def rescore(job_id: str) -> None:
    """Let two versions answer the same test photos."""
    if not _waits(job_id):
        return
    from worker.rescore import run_rescoring  # noqa: PLC0415

    run_rescoring(_context(), job_id, stop)


@shared_task(name=TASK_NAMES[JobKind.IMAGENET])
def imagenet(job_id: str) -> None:
    """Bring the untouched network's own labels in."""
    if not _waits(job_id):
        return
    from worker.imagenet import run_imagenet  # noqa: PLC0415

    run_imagenet(_context(), job_id, stop)


@shared_task(name=TASK_NAMES[JobKind.TRY])
def try_out(job_id: str) -> None:
    """Let some versions answer one photo."""
    if not _waits(job_id):
        return
    from worker.try_out import run_try  # noqa: PLC0415

    run_try(_context(), job_id, stop)


@signals.worker_process_init.connect
def _start(**_: Any) -> None:
    stop.listen()
    configure_logging(settings)
    _heartbeat().start()


@signals.worker_process_shutdown.connect
def _stop(**_: Any) -> None:
    _heartbeat().stop()
