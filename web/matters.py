"""What needs a look or a decision, as sentences with a way there; the worst first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from flask import url_for

from shared.jobs.figures import SILENCE
from shared.jobs.states import Handling, JobKind, JobState
from shared.settings import EngineChoice
from shared.tables import WorkerHeartbeat
from web.overview import Overview
from web.pages.present.failure_rows import things
from web.pages.present.moments import between, duration_text
from web.pages.present.words import plural
from web.services import services

Level = Literal["bad", "warn", "decide"]
# A photo is answered within a second; one that waits this long waits for something else than its turn.
LONG_WAIT = timedelta(minutes=5)
# Of as many error codes there is a line each; more would push the decisions out of sight.
CODES_SHOWN = 5
CHECK_PLACES = {"champion": "pages.versions", "workers": "pages.jobs", "broker": "pages.jobs"}


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing. `count` is how many rows `address` leads to, where it leads to rows; `deed` says what one
    can do there. With `new_dataset` it takes a dataset version that `address` can make."""

    code: str
    level: Level
    text: str
    deed: str
    address: str
    count: int | None = None
    new_dataset: bool = False


def matters(found: Overview) -> list[Matter]:
    """Everything that needs somebody, the worst first."""
    every = [
        *_checks(found),
        *_queues(found),
        *_workers(found),
        *_disk(found),
        *_failures(found),
        *_decisions(found),
    ]
    order: tuple[Level, ...] = ("bad", "warn", "decide")
    return sorted(every, key=lambda matter: order.index(matter.level))


def _checks(found: Overview) -> Iterator[Matter]:
    for name, state in found.checks.items():
        if not state.ok:
            address = url_for(CHECK_PLACES.get(name, "pages.jobs"))
            yield Matter(f"{name}_not_ready", "bad", _sentence(state.detail), "Look into it", address)


def _queues(found: Overview) -> Iterator[Matter]:
    for queue in found.queues:
        address = _jobs(kind=queue.kind, state=JobState.QUEUED)
        count = queue.waiting + queue.running
        if queue.kind is JobKind.CLASSIFY:  # whether somebody answers photos is one of the checks
            if queue.oldest and found.now - queue.oldest > LONG_WAIT:
                age = duration_text(between(queue.oldest, found.now))
                text = f"{things(queue.kind, queue.waiting)} waiting, the oldest for {age}."
                yield Matter("long_wait", "warn", text, "See the queue", address, queue.waiting)
        elif count and not queue.workers:
            text = f"{things(queue.kind, count)} with no worker to do the work."
            yield Matter("nobody_works", "bad", text, "See the queue", address)


def _workers(found: Overview) -> Iterator[Matter]:
    address = url_for("pages.jobs")
    if silent := _missing(found):
        names = ", ".join(worker.name for worker in silent)
        text = f"Not heard of for longer than {SILENCE.seconds} s: {names}."
        yield Matter("worker_silent", "warn", text, "See the workers", address)
    for worker in found.workers:
        if _fell_back(worker):
            text = f"{worker.name} answers with the slower Keras on a CPU. {worker.note or ''}".rstrip()
            yield Matter("slow_engine", "warn", text, "See the workers", address)
    if not any(worker.kind == "maintain" for worker in found.workers):
        text = "No upkeep process has been heard of: jobs of dead workers stay where they are."
        yield Matter("no_upkeep", "warn", text, "See the workers", address)


def _missing(found: Overview) -> list[WorkerHeartbeat]:
    """Those that are silent and in whose place, on the same machine, no other has started since."""
    silent = [worker for worker in found.workers if found.now - worker.seen_at > SILENCE]
    others = [worker for worker in found.workers if worker not in silent]
    return [
        gone
        for gone in silent
        if not any(_place(other) == _place(gone) and other.started_at > gone.seen_at for other in others)
    ]


def _place(worker: WorkerHeartbeat) -> str:
    """What a worker does and on which machine: its name, KIND@HOST:PROCESS, without the process."""
    return worker.name.rsplit(":", 1)[0]


def _fell_back(worker: WorkerHeartbeat) -> bool:
    """Whether Keras answers on a CPU without having been asked for: OpenVINO was refused there."""
    chosen = services().settings.engine is EngineChoice.KERAS
    on_gpu = (worker.device or "").startswith("GPU")
    return worker.kind == "predict" and worker.engine == EngineChoice.KERAS and not on_gpu and not chosen


def _disk(found: Overview) -> Iterator[Matter]:
    if found.disk.few:
        text = f"{found.disk.free / 1e9:.1f} GB are free where everything is kept. Make room"
        rest = "; photos are refused soon." if found.disk.full else " before photos are refused."
        address = f"{url_for('pages.overview')}#disk"
        yield Matter("disk", "bad" if found.disk.full else "warn", text + rest, "See the disk", address)


def _failures(found: Overview) -> Iterator[Matter]:
    for group in found.failures[:CODES_SHOWN]:
        cause, counted = group.cause, things(group.cause.kind, group.count)
        address = _jobs(kind=cause.kind, error_code=cause.error_code, handled=Handling.OPEN)
        if group.quarantined:
            text = f"{counted} in quarantine ({cause.error_code}): release or discard?"
        else:
            text = f"{counted} failed with {cause.error_code}: try again or discard?"
        code = "quarantine" if group.quarantined else "failures"
        yield Matter(code, "warn", text, "See them", address, group.count)
    if rest := sum(group.count for group in found.failures[CODES_SHOWN:]):
        text = f"{plural(rest, 'job', 'jobs')} failed with other codes: try again or discard?"
        yield Matter("failures", "warn", text, "See all", url_for("pages.failure_groups"))


def _decisions(found: Overview) -> Iterator[Matter]:
    waiting, champion = found.decisions, found.champion
    if waiting.challenger is not None:
        place = f"take the place of version {champion.number}" if champion else "answer sellers"
        text = f"Version {waiting.challenger} passes the gate: let it {place}?"
        address = url_for("pages.confirm_champion", number=waiting.challenger)
        yield Matter("challenger", "decide", text, "Look at it", address)
    if waiting.blocked is not None:
        text = f"The report on dataset version {waiting.blocked} blocks trainings."
        address = url_for("pages.dataset", number=waiting.blocked)
        yield Matter("dataset_blocked", "warn", text, "Look into it", address)
    if waiting.new_labels and champion is not None and (waiting.unfrozen or waiting.blocked is None):
        new = plural(waiting.new_labels, "new label", "new labels")
        text = f"{new} that no version has learned from: retrain?"
        unfrozen = waiting.unfrozen > 0  # trainings learn from dataset versions
        address = url_for("pages.datasets" if unfrozen else "pages.new_training")
        yield Matter("new_labels", "decide", text, "Retrain", address, new_dataset=unfrozen)


def _jobs(**filters: Any) -> str:
    return url_for("pages.jobs", **filters)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[:1].upper()}{text[1:]}."
