"""Wake-up messages: Celery over Redis, one task name per job kind, the job id and nothing else.

Every setting that keeps the promise of docs/architecture.md stands here once, for both sides.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import structlog
from celery import Celery

from shared.jobs.states import JobKind
from shared.redis_server import celery_url
from shared.settings import Settings

logger = structlog.get_logger(__name__)

TASK_NAMES = {kind: f"hangtag.{kind.value}" for kind in JobKind}
# Training has its own queue on its own worker, so that a retrain never delays a seller.
QUEUES = {
    JobKind.CLASSIFY: "predict",
    JobKind.TRAIN: "train",
    JobKind.SWEEP: "train",
    JobKind.REPORT: "train",
    JobKind.QUANTIZE: "train",
    JobKind.RESCORE: "train",
    JobKind.IMAGENET: "train",
    JobKind.TRY: "train",
}
# A seller waits for this publish; the dispatcher repeats what it could not deliver.
PUBLISH_SECONDS = 1.0
# After a wake-up that could not be sent, the next ones are not tried for this long: with Redis frozen every
# request would otherwise hold its thread for a second, and the dispatcher repeats them all anyway.
PAUSE_SECONDS = 2.0

CELERY_SETTINGS: dict[str, Any] = {
    # Early ack: on Redis, late ack multiplies long tasks. The database lease is our redelivery.
    "task_acks_late": False,
    "task_reject_on_worker_lost": False,
    # The message is an id; nothing of ours is ever unpickled.
    "task_serializer": "json",
    "accept_content": ["json"],
    "result_accept_content": ["json"],
    # State is in the database, so results are not kept.
    "task_ignore_result": True,
    # Forked TensorFlow hangs; a spawned child takes seconds to import, so it may be silent for long.
    "worker_pool_start_method": "spawn",
    "worker_proc_alive_timeout": 120,
    # A held message would wait behind a long one.
    "worker_prefetch_multiplier": 1,
    # A training run outlives a Redis blip.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    # Anybody in Redis could send remote-control commands.
    "worker_enable_remote_control": False,
    # Orderly stops hand their work back within this time.
    "worker_soft_shutdown_timeout": 30,
    "worker_enable_soft_shutdown_on_idle": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "worker_hijack_root_logger": False,
    "broker_transport_options": {
        # Harmless with early ack; only messages a dead worker had fetched come back through it.
        "visibility_timeout": 900,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # kombu waits for ever on a dead link without these.
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": True,
        "global_keyprefix": "hangtag:",
    },
}


class JobQueue(Protocol):
    """Something that wakes a worker up for a job."""

    def publish(self, kind: JobKind, job_id: str) -> bool:
        """Send one wake-up. Returns False, and logs why, when it could not be sent in time."""


def celery_application(settings: Settings) -> Celery:
    """The Celery application of both sides: configured, with every kind routed to its queue."""
    app = Celery("hangtag", broker=celery_url(settings))
    app.conf.update(CELERY_SETTINGS)
    app.conf.task_routes = {TASK_NAMES[kind]: {"queue": QUEUES[kind]} for kind in JobKind}
    return app


class CeleryQueue:
    """Publishes by task name, so that the web process never imports a task."""

    def __init__(self, settings: Settings) -> None:
        self._app = celery_application(settings)
        self._app.conf.broker_transport_options = {
            **self._app.conf.broker_transport_options,
            "socket_timeout": PUBLISH_SECONDS,
            "socket_connect_timeout": PUBLISH_SECONDS,
            "retry_on_timeout": False,
            # Without it kombu dials again for four seconds, with pauses, before it says that nobody is there.
            "max_retries": 0,
        }
        self._app.conf.broker_connection_timeout = PUBLISH_SECONDS
        self._paused_until = 0.0

    def publish(self, kind: JobKind, job_id: str) -> bool:
        """Send one wake-up. Returns False, and logs why, when it could not be sent in time."""
        if time.monotonic() < self._paused_until:
            return False
        try:
            self._app.send_task(TASK_NAMES[kind], args=[job_id], retry=False)
        except Exception as error:  # noqa: BLE001 - whatever fails here, the row is committed and will run
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("wake_up_not_sent", job_id=job_id, kind=kind.value, error=repr(error))
            return False
        return True
