"""The figures of a version are those one gets by counting."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shared.errors import ValidationError
from shared.models.evaluation import Evaluation, wilson_interval
from worker.training.evaluate import evaluate

CLASSES = ["dress", "hat", "pants", "shirt"]
# Truth and answer of five photos: nothing is a shirt and nothing is answered as pants.
TRUTH = np.array([0, 0, 0, 1, 2])
ANSWERS = [0, 0, 1, 1, 3]


def _evaluation() -> Evaluation:
    probabilities = np.full((5, 4), 0.1)
    probabilities[np.arange(5), ANSWERS] = 0.7
    return evaluate(probabilities, TRUTH, CLASSES)


def test_accuracy_comes_with_its_count_and_interval() -> None:
    evaluation = _evaluation()
    assert (evaluation.count, evaluation.accuracy) == (5, 0.6)
    assert evaluation.interval == wilson_interval(3, 5)


def test_the_confusion_has_the_truth_in_rows_and_the_answers_in_columns() -> None:
    assert _evaluation().confusion == [[2, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_the_figures_of_each_class_are_counted() -> None:
    dress, hat, *_ = _evaluation().per_class
    assert (dress.category, dress.support, dress.precision) == ("dress", 3, 1.0)
    assert dress.recall == pytest.approx(2 / 3)
    assert dress.f1 == pytest.approx(0.8)
    assert dress.recall_interval == wilson_interval(2, 3)
    assert (hat.precision, hat.recall) == (0.5, 1.0)


def test_a_class_that_is_never_answered_has_no_precision() -> None:
    pants = _evaluation().per_class[2]
    assert (pants.precision, pants.recall, pants.f1) == (None, 0.0, 0.0)


def test_a_class_without_photos_has_neither_recall_nor_f1() -> None:
    shirt = _evaluation().per_class[3]
    assert (shirt.support, shirt.precision) == (0, 0.0)
    assert (shirt.recall, shirt.f1, shirt.recall_interval) == (None, None, None)


def test_the_log_loss_is_the_mean_over_the_probabilities_of_the_truth() -> None:
    assert _evaluation().log_loss == pytest.approx(-(3 * math.log(0.7) + 2 * math.log(0.1)) / 5)


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    assert _evaluation().expected_calibration_error == pytest.approx(0.1)


def test_a_probability_of_zero_for_the_truth_keeps_the_log_loss_finite() -> None:
    evaluation = evaluate(np.array([[1.0, 0.0]]), np.array([1]), ["dress", "hat"])
    assert 30 < evaluation.log_loss < math.inf


def test_perfect_answers_lose_nothing() -> None:
    evaluation = evaluate(np.eye(2), np.arange(2), ["dress", "hat"])
    assert (evaluation.accuracy, evaluation.log_loss, evaluation.expected_calibration_error) == (1, 0, 0)


def test_an_evaluation_survives_being_stored_as_json() -> None:
    evaluation = _evaluation()
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
    assert evaluation.model_dump(mode="json")["interval"] == list(wilson_interval(3, 5))


def test_float32_probabilities_and_small_integer_labels_are_counted_alike() -> None:
    classes = [str(number) for number in range(40)]  # 40 x 40 cells do not fit into 8 bits
    labels = np.arange(40, dtype=np.int8)
    evaluation = evaluate(np.eye(40, dtype=np.float32), labels, classes)
    assert evaluation.confusion == np.eye(40, dtype=int).tolist()


def test_no_photos_are_not_an_accuracy_of_zero() -> None:
    with pytest.raises(ValidationError, match="without photos"):
        evaluate(np.empty((0, 4)), np.empty(0, int), CLASSES)


@pytest.mark.parametrize("labels", [np.array([0]), np.array([0, 4])])
def test_labels_that_do_not_fit_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(ValidationError):
        evaluate(np.full((2, 4), 0.25), labels, CLASSES)


def test_probabilities_for_other_classes_are_refused() -> None:
    with pytest.raises(ValidationError, match="4 classes"):
        evaluate(np.full((2, 3), 1 / 3), np.array([0, 1]), CLASSES)
