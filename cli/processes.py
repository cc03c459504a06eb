"""The processes of Hangtag: `hangtag run` starts these, and docker-compose.yml describes the same ones."""

from __future__ import annotations

from dataclasses import dataclass, field

# A GPU is shared by prediction and training: TensorFlow would otherwise take all of its memory at once.
TENSORFLOW = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"}


@dataclass(frozen=True, slots=True)
class Process:
    """One long-running process: how it is started and how long it may take to stop in an orderly way."""

    name: str
    command: tuple[str, ...]
    stop_seconds: int
    environment: dict[str, str] = field(default_factory=dict)


def _celery(queue: str) -> tuple[str, ...]:
    return (
        *("python", "-m", "celery", "-A", f"worker.{queue}_app", "worker"),
        *("-Q", queue, "-c", "1", "-n", f"{queue}@%h"),
        # Workers know each other through the database; gossip would only delay reconnecting to Redis.
        *("--without-mingle", "--without-gossip", "-l", "INFO"),
    )


PROCESSES = (
    Process(
        "web",
        ("python", "-m", "gunicorn", "-c", "python:web.gunicorn_conf", "web.wsgi:app"),
        stop_seconds=35,  # gunicorn itself gives requests 30 s
    ),
    Process("worker-predict", _celery("predict"), stop_seconds=60, environment=TENSORFLOW),
    # A stopping training run writes its checkpoint first.
    Process("worker-train", _celery("train"), stop_seconds=90, environment=TENSORFLOW),
    Process("maintain", ("python", "-m", "worker.maintain"), stop_seconds=15),
)
