"""`celery -A tests.faults.deaf_app`: a prediction worker that hears nothing, as after a lost connection."""

from __future__ import annotations

from typing import Any

from celery import signals

from tests.faults.predict_app import app

__all__ = ["app"]


@signals.worker_ready.connect
def _go_deaf(sender: Any, **_: object) -> None:
    sender.task_consumer.cancel()
