"""Training runs as rows and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.jobs.states import ACTIVE, JobState
from shared.tables import Job, TrainingEpoch, WorkerHeartbeat
from web.pages.present.job_rows import JobRow, job_row
from web.pages.present.words import percent

# Why a training ended, in the words of the page.
STOPS = {
    "budget": "All epochs ran: the budget is used up.",
    "converged": "It stopped early: the validation photos had brought nothing better for long enough.",
    "cancelled": "Somebody asked it to stop; what was best until then is kept.",
    "diverged": "The loss stopped being a number. The best before that is kept; lower the learning rate.",
}
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the list of runs."""

    job: JobRow
    what: str
    dataset_version: int | None
    best: str


def run_row(job: Job, best: float | None, now: datetime) -> RunRow:
    """A run as the list shows it, with its `best` validation accuracy, if it has told of one."""
    return RunRow(job_row(job, None, now), what(job), job.payload.get("dataset_version"), percent(best, 1))


def what(job: Job) -> str:
    """What tells this run from others, in a few words."""
    values = job.payload.get("parameters", {})
    parts = [f"{values['image_size']} px"] if "image_size" in values else []
    if "learning_rate" in values:
        parts.append(f"rate {values['learning_rate']:g}")
    if values.get("augmentation", {}).get("mode", "none") != "none":
        parts.append(f"{values['augmentation']['mode']} augmentation")
    if values.get("fine_tuning", {}).get("from_block"):
        parts.append(f"fine-tuned from block {values['fine_tuning']['from_block']}")
    if values.get("precision") == "int8":
        parts.append("learning in 8 bits")
    return ", ".join(parts)


def run_facts(
    job: Job,
    epochs: Sequence[TrainingEpoch],
    worker: WorkerHeartbeat | None,
    measured: Mapping[str, object],
) -> list[tuple[str, str]]:
    """What is known about where and how it runs."""
    facts = []
    if epochs:
        best = max(epochs, key=lambda row: row.val_accuracy)
        facts.append(
            (
                "Best epoch so far" if job.state in ACTIVE else "Best epoch",
                f"{best.epoch}, validation accuracy {percent(best.val_accuracy, 1)}",
            )
        )
    if job.state is JobState.RUNNING and job.lease_owner:
        memory = f", {worker.resident_bytes / MEGABYTE:,.0f} MB of memory" if worker else ""
        facts.append(("Worker", f"{job.lease_owner}{memory}"))
        if worker and worker.gpu:
            facts.append(("GPU", worker.gpu))
    device = measured.get("device") or (worker.device if worker else None)
    engine = measured.get("engine") or (worker.engine if worker else None)
    if device:
        facts.append(("Device", f"{device}, engine {engine}"))
    if measured.get("photos_per_second"):
        facts.append(("Speed", f"{measured['photos_per_second']} photos a second"))
    return facts


def stop_sentence(job: Job) -> str | None:
    """Why a run ended; None while it has not, or where its error says it."""
    if job.state is JobState.SUCCEEDED:
        reason = (job.result or {}).get("stop_reason", "")
        return STOPS.get(reason, str(reason) or None)
    return STOPS["cancelled"].split(";")[0] + "." if job.state is JobState.CANCELLED else None
