"""The gate before the champion's place: written rules that a version has to pass, and what each one found.

1. enough_photos  at least MIN_TEST_PHOTOS test photos; fewer are too little to tell.
2. not_worse      not worse than the champion beyond chance. On the same test photos: the exact McNemar test
                  finds no difference in the champion's favour at the 5 % level. Without answers of both for
                  the same photos: the 95 % Wilson intervals of the two accuracies overlap, or the new one's
                  lies above; a weaker test, which lets smaller losses pass.
3. class_recall   no category with MIN_CLASS_PHOTOS test photos or more is found less than RECALL_FLOOR of
                  the time, and none whose whole 95 % interval lies below the champion's.
4. calibration    the expected calibration error is at most MAX_CALIBRATION_ERROR.
5. speed          at least MIN_PHOTOS_PER_SECOND, measured when the version was made. Versions made before
                  speed was measured pass, and the detail says so.
6. unseen_test    the report on its dataset version finds no more test photos that look like training photos
                  than trainings may start with (`shared.datasets.findings`). Without such a report it passes,
                  and the detail says so.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from shared.datasets import reports
from shared.datasets import store as datasets
from shared.models.comparison import SIGNIFICANT, Comparison, compare
from shared.models.evaluation import ClassEvaluation, Evaluation, evaluation
from shared.tables import ModelVersion

# With fewer the 95 % interval of an accuracy around 0.9 is wider than 12 points: it tells good from bad only.
MIN_TEST_PHOTOS = 100
# With fewer a single photo moves recall by more than ten points.
MIN_CLASS_PHOTOS = 10
# Below it a seller of such an item is better off without suggestions: most of them are wrong.
RECALL_FLOOR = 0.5
# "Sure" means at least 0.9 on every page; with a larger error that word would not be true.
MAX_CALIBRATION_ERROR = 0.1
# A seller who waits longer than two seconds for one photo has chosen the category by hand.
MIN_PHOTOS_PER_SECOND = 0.5

Name = Literal["enough_photos", "not_worse", "class_recall", "calibration", "speed", "unseen_test"]


class Check(BaseModel):
    """One rule, whether the version passed it, and what was found, in a sentence."""

    model_config = ConfigDict(frozen=True)

    name: Name
    passed: bool
    detail: str


class Verdict(BaseModel):
    """What the gate says about a version, against the champion of that moment."""

    model_config = ConfigDict(frozen=True)

    version: int
    champion: int | None
    checks: list[Check]
    overridden: bool = False

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> list[Check]:
        """The checks that stand against the version."""
        return [check for check in self.checks if not check.passed]


def judge(session: Session, challenger: ModelVersion, champion: ModelVersion | None) -> Verdict:
    """Apply every rule to a version that shall take the champion's place, or be the first one."""
    rival = champion if champion and champion.number != challenger.number else None
    figures = evaluation(challenger, "test")
    if figures is None:
        none = Check(name="enough_photos", passed=False, detail="It was never evaluated on test photos.")
        return Verdict(version=challenger.number, champion=rival.number if rival else None, checks=[none])
    before = evaluation(rival, "test") if rival else None
    paired = compare(session, rival.number, challenger.number) if rival else None
    checks = [
        _enough(figures),
        _not_worse(figures, rival, before, paired),
        _class_recall(figures, before),
        _calibration(figures),
        _speed(challenger.metrics),
        unseen_test(session, challenger),
    ]
    return Verdict(version=challenger.number, champion=rival.number if rival else None, checks=checks)


def unseen_test(session: Session, challenger: ModelVersion) -> Check:
    """Whether its test photos were new to it, by what the report on its dataset version says now.

    A report that is made after the training may show that the test flattered the version.
    """
    learned_from = datasets.with_digest(session, challenger.lineage.get("dataset_digest", ""))
    if learned_from is None:
        detail = "Trained elsewhere; whether its test photos look like its training photos is not known here."
        return Check(name="unseen_test", passed=True, detail=detail)
    report = reports.of(session, learned_from)
    leaked = next((found for found in report.findings if found.name == "leaked"), None)
    if leaked is not None:
        said = f"Dataset version {learned_from.number}: {leaked.detail}"
    elif report.compared:
        said = "No test photo looks nearly the same as a training photo."
    else:
        said = f"The photos of dataset version {learned_from.number} have not been compared with each other."
    return Check(name="unseen_test", passed=leaked is None or leaked.level != "blocks", detail=said)


def _enough(figures: Evaluation) -> Check:
    enough = figures.count >= MIN_TEST_PHOTOS
    detail = f"{figures.count:,} test photos, {MIN_TEST_PHOTOS} are wanted"
    return Check(
        name="enough_photos",
        passed=enough,
        detail=f"{detail}." if enough else f"{detail}: too little to tell a good version from a lucky one.",
    )


def _not_worse(
    figures: Evaluation, champion: ModelVersion | None, before: Evaluation | None, paired: Comparison | None
) -> Check:
    if champion is None:
        passed, detail = True, "No other version answers sellers now, so there is none to be worse than."
    elif paired is not None:
        passed, detail = _paired_detail(paired)
    elif before is not None:
        passed = figures.interval[1] >= before.interval[0]
        place = "overlaps that one or lies above it" if passed else "lies below that one"
        detail = (
            f"Accuracy {_share(figures.accuracy)} ({_range(figures.interval)}) against "
            f"{_share(before.accuracy)} ({_range(before.interval)}) of version {champion.number}. "
            f"The interval {place}; there are no answers of both for the same photos, so this test is the "
            "weaker one. Compare them photo by photo first."
        )
    else:
        passed, detail = True, f"Version {champion.number} has no test figures to compare with."
    return Check(name="not_worse", passed=passed, detail=detail)


def _paired_detail(paired: Comparison) -> tuple[bool, str]:
    outcome = paired.outcome
    worse = outcome.broken > outcome.fixed and outcome.p_value < SIGNIFICANT
    said = "worse beyond chance" if worse else "not worse beyond chance"
    return not worse, (
        f"On the same {outcome.count:,} photos it fixes {outcome.fixed} and breaks {outcome.broken} of "
        f"version {paired.a}'s answers: {said} (exact McNemar test, p = {outcome.p_value:.3g})."
        f"{_caution(paired)}"
    )


def _caution(paired: Comparison) -> str:
    """What to know before believing that the champion is better."""
    if paired.a not in paired.trained_elsewhere:
        return ""
    return f" Version {paired.a} was trained elsewhere and may have learned from some of them."


def _class_recall(figures: Evaluation, before: Evaluation | None) -> Check:
    counted = [row for row in figures.per_class if row.support >= MIN_CLASS_PHOTOS]
    earlier = {row.category: row for row in before.per_class} if before else {}
    low = [reason for row in counted if (reason := _too_low(row, earlier.get(row.category)))]
    left_out = len(figures.per_class) - len(counted)
    detail = "; ".join(low) or f"Every category is found at least {_share(RECALL_FLOOR)} of the time"
    rest = f" {left_out} with fewer than {MIN_CLASS_PHOTOS} test photos not judged." if left_out else ""
    return Check(name="class_recall", passed=not low, detail=f"{detail}.{rest}")


def _too_low(row: ClassEvaluation, earlier: ClassEvaluation | None) -> str | None:
    """Why the recall of one category is too low; None when it is not."""
    if row.recall is None or row.recall_interval is None:
        return None
    if row.recall < RECALL_FLOOR:
        wanted = f"at least {_share(RECALL_FLOOR)} is wanted"
        return f"{row.category}: found {_share(row.recall)} of the time, {wanted}"
    if earlier and earlier.recall_interval and row.recall_interval[1] < earlier.recall_interval[0]:
        return (
            f"{row.category}: found {_share(row.recall)} of the time ({_range(row.recall_interval)}), "
            f"the champion {_range(earlier.recall_interval)}"
        )
    return None


def _calibration(figures: Evaluation) -> Check:
    error = figures.expected_calibration_error
    return Check(
        name="calibration",
        passed=error <= MAX_CALIBRATION_ERROR,
        detail=f"Calibration error {_share(error)}, at most {_share(MAX_CALIBRATION_ERROR)} is allowed.",
    )


def _speed(metrics: dict[str, Any]) -> Check:
    speed = metrics.get("speed", {}).get("photos_per_second")
    if speed is None:
        return Check(name="speed", passed=True, detail="Not measured when this version was made.")
    return Check(
        name="speed",
        passed=speed >= MIN_PHOTOS_PER_SECOND,
        detail=f"{speed:.1f} photos a second, at least {MIN_PHOTOS_PER_SECOND} are wanted.",
    )


def _share(value: float) -> str:
    return f"{value * 100:.1f} %"


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0] * 100:.1f} to {interval[1] * 100:.1f} %"
