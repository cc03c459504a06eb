"""A sweep as its page shows it: trials by rank, curves of the best, and how much luck is in the winner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.jobs.states import TrialState
from shared.models.evaluation import Interval
from shared.sweeps import store as sweeps
from shared.tables import Job, SweepTrial
from web.pages.present.curves import Chart, line_chart
from web.pages.present.evaluations import Whisker, axis_floor, whisker
from web.pages.present.job_rows import JobRow, job_row
from web.pages.present.parameter_form import FIELDS
from web.pages.present.words import StateWord, sentence_case

# As many series as can be told apart by colour and dashes.
CURVES = 3
TRIAL_WORDS = {
    TrialState.WAITING: StateWord("Waiting", "clock", "quiet"),
    TrialState.SUCCEEDED: StateWord("Done", "check", "good"),
    TrialState.DROPPED: StateWord("Left behind", "minus", "quiet"),
    TrialState.FAILED: StateWord("Diverged", "cross", "bad"),
    TrialState.SKIPPED: StateWord("Skipped", "minus", "quiet"),
}


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial in the ranked table. `rank` is None until it was trained."""

    number: int
    rank: int | None
    state: StateWord
    values: list[str]
    accuracy: float | None
    interval: Interval | None
    whisker: Whisker | None
    epochs: str
    seconds: float | None
    version: int | None


@dataclass(frozen=True, slots=True)
class SweepView:
    """Everything about the trials of a sweep. `varied` are titles of what differs between them."""

    varied: list[str]
    rows: list[TrialRow]
    floor: float
    chart: Chart | None
    done: int


@dataclass(frozen=True, slots=True)
class SweepRow:
    """A sweep in the list: what it varies, and how many of its trials are done."""

    job: JobRow
    varied: list[str]
    done: int
    total: int


def sweep_row(job: Job, done: int, now: datetime) -> SweepRow:
    """A sweep as the list shows it."""
    planned = job.payload.get("trials", [])
    return SweepRow(job_row(job, None, now), _titles(sweeps.varied_names(planned)), done, len(planned))


def sweep_view(job: Job, trials: Sequence[SweepTrial]) -> SweepView:
    """The trials of a sweep, best first, those that were not trained last."""
    names = sweeps.varied_names([trial.parameters for trial in trials])
    placed = sweeps.placed(trials)
    ranked = [trial for rank, trial in placed if rank is not None]
    floor = axis_floor(tuple(trial.metrics["interval"]) for trial in ranked if trial.metrics)
    rows = [_row(job, trial, rank, names, floor) for rank, trial in placed]
    varied = _titles(names)
    return SweepView(varied, rows, floor, _chart(ranked[:CURVES], names, varied), len(ranked))


def luck(trials: int, photos: int, accuracy: float) -> float:
    """By how much the best of so many equally good trials leads their mean on the same photos, roughly.

    The expected maximum of n independent normal values is about sqrt(2 ln n) standard deviations. Trials on
    the same photos are alike, so this is the most that luck explains, not what it did.
    """
    if trials < 2 or not photos:
        return 0.0
    return math.sqrt(2 * math.log(trials) * accuracy * (1 - accuracy) / photos)


def _titles(names: Sequence[str]) -> list[str]:
    titles = {field.name: field.title for field in FIELDS}
    return [titles.get(name, sentence_case(name)) for name in names]


def _row(job: Job, trial: SweepTrial, rank: int | None, names: Sequence[str], floor: float) -> TrialRow:
    metrics = trial.metrics or {}
    interval = tuple(metrics["interval"]) if metrics else None
    accuracy = metrics.get("val_accuracy")
    return TrialRow(
        number=trial.number,
        rank=rank,
        state=TRIAL_WORDS[sweeps.state_of(trial, job)],
        values=[str(trial.parameters.get(name, "–")) for name in names],
        accuracy=accuracy,
        interval=interval,
        whisker=whisker(accuracy, interval, floor),
        epochs=f"{metrics['best_epoch']} of {metrics['epochs']}" if metrics else "–",
        seconds=metrics.get("seconds"),
        version=trial.version,
    )


def _in_words(trial: SweepTrial, names: Sequence[str], titles: Sequence[str]) -> str:
    """What differs in this trial: "learning rate 0.01, hidden units 100"."""
    pairs = zip(titles, names, strict=True)
    return ", ".join(f"{title.lower()} {trial.parameters.get(name, '–')}" for title, name in pairs)


def _chart(best: Sequence[SweepTrial], names: Sequence[str], titles: Sequence[str]) -> Chart | None:
    """Validation accuracy by epoch of the best trials; shorter ones end earlier."""
    curves = {
        f"{place}. {_in_words(trial, names, titles)}": trial.metrics["curve"]
        for place, trial in enumerate(best, start=1)
        if trial.metrics
    }
    longest = max((len(curve) for curve in curves.values()), default=0)
    if longest < 2:
        return None
    padded = {name: [*curve, *[math.nan] * (longest - len(curve))] for name, curve in curves.items()}
    return line_chart("Validation accuracy of the best", range(1, longest + 1), padded)
