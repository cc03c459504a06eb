"""`celery -A tests.faults.stuck_app`: a prediction worker whose main thread waits for ever when ready."""

from __future__ import annotations

import threading
from typing import Any

from celery import signals

from tests.faults.predict_app import app

__all__ = ["app"]


@signals.worker_ready.connect
def _get_stuck(sender: Any, **_: object) -> None:
    sender.hub.call_later(0, threading.Event().wait)
