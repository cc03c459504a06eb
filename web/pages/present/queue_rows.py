"""Queues and workers as rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.jobs.figures import SILENCE, QueueFigures
from shared.jobs.states import JobKind
from shared.tables import WorkerHeartbeat
from web.pages.present.moments import MINUTE, between, duration_text
from web.pages.present.words import StateWord, plural, sentence_case

QUEUE_WORDS = {
    JobKind.CLASSIFY: "Photos",
    JobKind.TRAIN: "Trainings",
    JobKind.SWEEP: "Sweeps",
    JobKind.REPORT: "Dataset reports",
    JobKind.QUANTIZE: "8-bit checks",
    JobKind.RESCORE: "Comparisons",
    JobKind.IMAGENET: "Untouched network",
    JobKind.TRY: "Try-outs",
}
# What workers are called, in the order in which a seller's photo depends on them.
WORKER_WORDS = {"predict": "Prediction", "train": "Training", "maintain": "Upkeep"}
SILENT = StateWord("Silent", "warning", "warn")
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One kind of job at this moment. `stuck` says that there is work and nobody to do it."""

    name: str
    kind: JobKind
    waiting: str
    delayed: str
    oldest: str
    running: str
    workers: int
    busy: bool
    stuck: bool

    @property
    def shown(self) -> bool:
        """Whether it has a row of its own: it has work, or it is the one that sellers wait for."""
        return self.busy or self.kind is JobKind.CLASSIFY


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker process. It has a state only where there is something to say about it."""

    name: str
    kind: str
    state: StateWord | None
    engine: str
    device: str
    memory: str
    heard: str
    note: str | None


def queue_row(figures: QueueFigures, now: datetime) -> QueueRow:
    """A queue as the table shows it."""
    return QueueRow(
        name=QUEUE_WORDS.get(figures.kind, sentence_case(figures.kind.value)),
        kind=figures.kind,
        waiting=f"{figures.waiting:,}",
        delayed=f"{figures.delayed:,} of them pause after an error" if figures.delayed else "",
        oldest=duration_text(between(figures.oldest, now)),
        running=f"{figures.running:,}",
        workers=figures.workers,
        busy=bool(figures.waiting or figures.running),
        stuck=bool(figures.waiting or figures.running) and not figures.workers,
    )


def worker_rows(workers: Sequence[WorkerHeartbeat], now: datetime) -> list[WorkerRow]:
    """Workers as the table shows them, those for photos first."""
    order = list(WORKER_WORDS)
    known = [worker for kind in order for worker in workers if worker.kind == kind]
    return [_worker_row(worker, now) for worker in [*known, *(w for w in workers if w.kind not in order)]]


def _worker_row(worker: WorkerHeartbeat, now: datetime) -> WorkerRow:
    unheard = max(now - worker.seen_at, timedelta())
    return WorkerRow(
        name=worker.name,
        kind=WORKER_WORDS.get(worker.kind, sentence_case(worker.kind)),
        state=SILENT if unheard > SILENCE else None,
        engine=_engine(worker),
        device=worker.device or "",
        memory=f"{worker.resident_bytes / MEGABYTE:,.0f} MB",
        heard=_ago(round(unheard.total_seconds())),
        note=worker.note,
    )


def workers_summary(rows: list[WorkerRow]) -> str:
    """All workers in a few words."""
    if not rows:
        return "No worker has been heard of"
    silent = sum(row.state is not None for row in rows)
    return plural(len(rows), "worker", "workers") + (f", {silent} silent" if silent else "")


def _ago(seconds: int) -> str:
    return f"{seconds} s ago" if seconds < MINUTE else f"{duration_text(seconds)} ago"


def _engine(worker: WorkerHeartbeat) -> str:
    # Only prediction workers have an engine, and none before it is built.
    return worker.engine or ("loading" if worker.kind == "predict" else "")
