"""Measuring a head's answers against the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.errors import ValidationError
from shared.models.evaluation import ClassEvaluation, Evaluation, wilson_interval
from worker.training.calibrate import expected_calibration_error

# A probability that rounded to 0 would make the log loss infinite, which JSON cannot hold.
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


def evaluate(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], classes: Sequence[str]
) -> Evaluation:
    """All figures for answers `probabilities`, (n, classes), to photos of the true classes `labels`, (n,).

    Raises:
        ValidationError: there are no photos, or the arrays do not fit each other or the classes.
    """
    if probabilities.shape != (len(labels), len(classes)):
        raise ValidationError(
            f"{len(labels)} photos and {len(classes)} classes need as many probabilities, "
            f"not {probabilities.shape}."
        )
    calibration_error = expected_calibration_error(probabilities, labels)
    confusion = _confusion(probabilities.argmax(axis=1), labels, len(classes))
    right, count = int(np.trace(confusion)), len(labels)
    return Evaluation(
        count=count,
        accuracy=right / count,
        interval=wilson_interval(right, count),
        per_class=[_class_figures(name, i, confusion) for i, name in enumerate(classes)],
        confusion=confusion.tolist(),
        expected_calibration_error=calibration_error,
        log_loss=_log_loss(probabilities, labels),
    )


def _confusion(
    answers: npt.NDArray[np.integer], labels: npt.NDArray[np.integer], class_count: int
) -> npt.NDArray[np.int64]:
    """(classes, classes) counts: rows are the truth, columns the answers."""
    cells = np.bincount(labels.astype(np.int64) * class_count + answers, minlength=class_count**2)
    return cells.reshape(class_count, class_count).astype(np.int64)


def _class_figures(category: str, number: int, confusion: npt.NDArray[np.int64]) -> ClassEvaluation:
    right = int(confusion[number, number])
    support, answered = int(confusion[number].sum()), int(confusion[:, number].sum())
    return ClassEvaluation(
        category=category,
        support=support,
        precision=right / answered if answered else None,
        recall=right / support if support else None,
        f1=2 * right / (support + answered) if support else None,
        recall_interval=wilson_interval(right, support) if support else None,
    )


def _log_loss(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """Mean of -log(probability given to the truth), in nats."""
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(np.log(1 / np.clip(true, SMALLEST_PROBABILITY, 1.0)).mean())
