"""The Celery application of a worker process, with our log format and a watchdog."""

from __future__ import annotations

from typing import Any

from celery import Celery, signals

from shared.jobs.queue import celery_application
from shared.log_context import configure_logging
from shared.settings import Settings
from worker.watchdog import end_when_deaf


def worker_application(settings: Settings) -> Celery:
    """A Celery application whose processes log as the settings say, and end when they have gone deaf."""

    def set_up_logging(**_: Any) -> None:
        configure_logging(settings)

    # weak=False: nothing else would keep this function alive.
    signals.setup_logging.connect(set_up_logging, weak=False)
    app = celery_application(settings)
    end_when_deaf(app, settings)
    return app
