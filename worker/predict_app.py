"""Prediction workers: `celery -A worker.predict_app worker -Q predict`.

On OpenVINO they never import TensorFlow.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from celery import shared_task, signals

from shared.errors import HangtagError
from shared.jobs.queue import TASK_NAMES
from shared.jobs.states import JobKind
from shared.log_context import configure_logging
from shared.settings import load_settings
from worker.app import worker_application
from worker.classify import Classifier
from worker.context import build_context
from worker.heartbeat import Heartbeat
from worker.predictor import Predictor
from worker.stopping import PlannedStop, pass_on_stops

logger = structlog.get_logger(__name__)
# One wake-up drains for a minute. Only a hung engine takes minutes; killing the child then frees the
# worker, and the leases bring the photos back.
LIMIT_SECONDS = 180
# A look at two small rows: a promotion takes effect within two seconds, the loading of a head included.
FOLLOW_SECONDS = 1.0

# A head is a small matrix: one thread multiplies a chunk in 0.2 ms. Two wait for each other while others have
# the cores, for 124 ms. The children, which do the work, read this when they import NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
settings = load_settings()
app = worker_application(settings)
app.conf.imports = (__name__,)  # spawned children register the task through this
pass_on_stops()
stop = PlannedStop()


@dataclass(frozen=True, slots=True)
class _Process:
    heartbeat: Heartbeat
    predictor: Predictor
    classifier: Classifier


@lru_cache(maxsize=1)
def _process() -> _Process:
    """What this child works with: made once, after the spawn."""
    context = build_context(settings, "predict")
    heartbeat = Heartbeat(context.database, context.name)
    predictor = Predictor(context, heartbeat)
    return _Process(heartbeat, predictor, Classifier(context, predictor, stop))


@shared_task(name=TASK_NAMES[JobKind.CLASSIFY], time_limit=LIMIT_SECONDS)
def classify(_job_id: str) -> None:
    """Answer queued photos. Which of them woke us up does not matter: all that wait are taken."""
    _process().classifier.drain()


@signals.worker_process_init.connect
def _start(**_: Any) -> None:
    """Load the engine now, not at the first photo; on a thread, since building one takes a minute."""
    stop.listen()
    configure_logging(settings)
    _process().heartbeat.start()
    threading.Thread(target=_follow_champion, name="follow-champion", daemon=True).start()


def _follow_champion() -> None:
    """Have the champion's engine and head loaded before photos need them, after promotions too."""
    told = ""
    while True:
        told = _load_champion(told)
        time.sleep(FOLLOW_SECONDS)


def _load_champion(told: str) -> str:
    """Returns what kept it from being loaded. What was told before is not logged again every second."""
    try:
        _process().predictor.champion()
    except HangtagError as error:
        if error.message != told:
            logger.warning("champion_not_loaded", code=error.code, detail=error.message)
        return error.message
    except Exception as error:  # the thread that follows the champion has to live as long as its process
        if repr(error) != told:
            logger.exception("champion_not_loaded")
        return repr(error)
    return ""


@signals.worker_process_shutdown.connect
def _stop(**_: Any) -> None:
    _process().heartbeat.stop()
