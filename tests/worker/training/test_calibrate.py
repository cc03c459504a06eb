"""A head learns to be as sure as it is right."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from shared.errors import ValidationError
from shared.models.head import softmax
from worker.training.calibrate import expected_calibration_error, fit_temperature

Sample = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


def _honest_logits(count: int = 4000, classes: int = 5) -> Sample:
    """Logits whose softmax is by construction the probability of each label."""
    random = np.random.default_rng(11)
    logits = random.normal(scale=2, size=(count, classes))
    cumulated = softmax(logits).cumsum(axis=1)
    return logits, (random.random((count, 1)) > cumulated[:, :-1]).sum(axis=1)


def _loss(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], temperature: float) -> float:
    return float(-np.log(softmax(logits / temperature)[np.arange(len(labels)), labels]).mean())


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_an_exaggeration_is_found_out(factor: float) -> None:
    logits, labels = _honest_logits()
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.05)


def test_no_other_temperature_makes_the_labels_likelier() -> None:
    logits, labels = _honest_logits(300)
    found = fit_temperature(logits * 2, labels)
    others = np.geomspace(0.1, 20, 400)
    assert _loss(logits * 2, labels, found) <= min(_loss(logits * 2, labels, t) for t in others) + 1e-9


def test_calibration_lowers_the_calibration_error() -> None:
    logits, labels = _honest_logits()
    before = expected_calibration_error(softmax(logits * 3), labels)
    temperature = fit_temperature(logits * 3, labels)
    after = expected_calibration_error(softmax(logits * 3 / temperature), labels)
    assert before > 0.1
    assert after < 0.03


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.empty((0, 3)), np.empty(0, int)),
        (np.ones((4, 3)), np.array([0, 1, 2, 0])),
        (np.eye(3) * 5, np.arange(3)),
        (np.eye(3) * 1e300, np.arange(3)),
    ],
    ids=["no photos", "nothing to tell apart", "all right", "all right and huge"],
)
def test_nothing_is_changed_where_the_photos_cannot_tell(
    logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> None:
    assert fit_temperature(logits, labels) == 1.0


def test_a_head_that_is_always_wrong_becomes_as_unsure_as_possible() -> None:
    assert fit_temperature(np.eye(3) * 50, np.array([1, 2, 0])) == pytest.approx(20, rel=1e-3)


def test_the_temperature_of_float32_logits_is_an_ordinary_number() -> None:
    logits, labels = _honest_logits(100)
    assert type(fit_temperature(logits.astype(np.float32), labels)) is float


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.ones((2, 3)), np.array([0])),
        (np.ones((2, 3)), np.array([0, 3])),
        (np.ones((2, 3)), np.array([0, -1])),
        (np.array([[np.nan, 0.0]]), np.array([0])),
        (np.ones(3), np.array([0, 1, 2])),
    ],
)
def test_what_does_not_fit_is_refused(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> None:
    with pytest.raises(ValidationError):
        fit_temperature(logits, labels)


def test_the_calibration_error_is_the_gap_of_each_bin_weighted_by_its_size() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])  # bin of 0.9: half right; bin of 0.6: all right
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


def test_errors_of_opposite_sign_in_one_bin_cancel_out() -> None:
    probabilities = np.array([[0.75, 0.25]] * 4)
    assert expected_calibration_error(probabilities, np.array([0, 0, 0, 1])) == pytest.approx(0)


def test_more_bins_tell_more_confidences_apart() -> None:
    probabilities = np.array([[0.7, 0.3], [0.9, 0.1]])
    labels = np.array([1, 0])
    assert expected_calibration_error(probabilities, labels, bins=2) == pytest.approx(0.3)
    assert expected_calibration_error(probabilities, labels, bins=10) == pytest.approx(0.4)


def test_a_confidence_on_the_edge_belongs_to_the_bin_below() -> None:
    probabilities = np.array([[0.5, 0.5], [0.6, 0.4]])
    labels = np.array([0, 1])  # right at 0.5, wrong at 0.6: in one bin the two would nearly cancel out
    assert expected_calibration_error(probabilities, labels, bins=2) == pytest.approx(0.55)


def test_calibration_cannot_be_measured_without_photos() -> None:
    with pytest.raises(ValidationError, match="without photos"):
        expected_calibration_error(np.empty((0, 2)), np.empty(0, int))
