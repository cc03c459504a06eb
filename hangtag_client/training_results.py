"""The server's answers about datasets and sweeps."""

from __future__ import annotations

from typing import Any

from hangtag_client.results import Job, Moment, Result


class DatasetVersion(Result):
    """An immutable list of labelled photos; `counts` has them by split and category."""

    number: int
    sha256: str
    classes: list[str]
    counts: dict[str, dict[str, int]]
    created_at: Moment


class PairedFigures(Result):
    """How often two versions are right on the same photos; `p_value` of the exact McNemar test."""

    count: int
    fixed: int
    broken: int
    both_wrong: int
    accuracy_a: float
    accuracy_b: float
    p_value: float


class Comparison(Result):
    """Two versions on the same test photos."""

    a: int
    b: int
    overall: PairedFigures
    per_class: dict[str, PairedFigures]


class Difference(Result):
    """On how many photos one version says one category and the other another one."""

    answer_a: str
    answer_b: str
    count: int


class LiveComparison(Result):
    """Two versions on the photos that sellers sent after both were made.

    `sampled` is about photos that reviewers were shown at random, `labelled` about all that have a label.
    """

    a: int
    b: int
    since: Moment
    count: int
    same: int
    differences: list[Difference]
    sampled: PairedFigures | None
    labelled: PairedFigures | None


class Forecast(Result):
    """How long a training would take, in seconds, and what that rests on."""

    at_most: float
    engine_seconds: float = 0.0
    feature_seconds: float
    new_photos: int
    kept_photos: int
    epochs: int
    epoch_seconds: float
    tuning_seconds: float
    rests_on: str


class TrialMetrics(Result):
    """How a trial did on the validation photos; `curve` is its accuracy after each epoch."""

    val_accuracy: float
    interval: tuple[float, float]
    best_epoch: int
    epochs: int
    curve: list[float]


class Trial(Result):
    """One training of a sweep. `rank` is 1 for the best so far, None until it was trained."""

    number: int
    rank: int | None
    state: str
    parameters: dict[str, Any]
    metrics: TrialMetrics | None
    model_version: int | None


class Sweep(Result):
    """A sweep: its job, the names of what differs between its trials, and the trials, best first."""

    job: Job
    varied: list[str]
    trials: list[Trial]
