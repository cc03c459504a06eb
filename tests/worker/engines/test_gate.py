"""When a head may answer on int8 features: as often right, as sure as it is right, nearly always the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from shared.errors import ValidationError
from worker.engines.gate import chance_of_losing, compare_answers, largest_loss

PHOTOS = 200
LABELS = np.arange(PHOTOS) % 4
Probabilities = npt.NDArray[np.float64]


def answers(wrong: int = 0, confidence: float = 0.95) -> Probabilities:
    """As many answers for PHOTOS photos, of which the first `wrong` name another class."""
    rows = np.full((PHOTOS, 4), (1 - confidence) / 3)
    named = np.where(np.arange(PHOTOS) < wrong, (LABELS + 1) % 4, LABELS)
    rows[np.arange(PHOTOS), named] = confidence
    return rows


def test_the_same_answers_pass() -> None:
    comparison = compare_answers(answers(wrong=10), answers(wrong=10), LABELS)

    assert comparison.passed
    assert "passed on 200 validation photos: 100.0% of the answers are the same" in comparison.sentence


def test_an_accuracy_that_is_a_little_worse_by_chance_passes() -> None:
    assert compare_answers(answers(wrong=10), answers(wrong=12), LABELS).passed


def test_an_accuracy_that_is_worse_beyond_chance_is_refused_and_the_sentence_says_so() -> None:
    comparison = compare_answers(answers(wrong=10), answers(wrong=18), LABELS)

    assert not comparison.passed
    assert comparison.sentence.startswith(
        "OpenVINO int8 was refused: it is less accurate, 91.0% against 95.0%, and that is no chance"
    )


def test_a_loss_that_few_photos_cannot_tell_from_chance_is_refused_until_there_are_more() -> None:
    few = slice(0, 120)
    lost = compare_answers(answers(wrong=10)[few], answers(wrong=14)[few], LABELS[few])
    same = compare_answers(answers(wrong=10)[few], answers(wrong=10)[few], LABELS[few])

    assert lost.chance > 0.05  # McNemar's test alone would let it pass
    assert "more validation photos tell more" in lost.sentence
    assert same.passed


def test_other_answers_are_refused_even_when_they_are_right_as_often() -> None:
    moved = np.roll(answers(wrong=10), 100, axis=0)  # as many wrong ones, of other photos

    comparison = compare_answers(answers(wrong=10), moved, LABELS)

    assert comparison.accuracy == comparison.int8_accuracy
    assert "only 90.0% of the answers are the same" in comparison.sentence


def test_answers_that_are_surer_than_right_are_refused() -> None:
    comparison = compare_answers(answers(wrong=10), answers(wrong=10, confidence=0.999), LABELS)

    assert "its calibration error is 0.0" in comparison.sentence


def test_too_few_photos_show_nothing() -> None:
    few = answers()[:99]

    assert "there are 99 validation photos" in compare_answers(few, few, LABELS[:99]).sentence


def test_answers_for_other_photos_cannot_be_compared() -> None:
    with pytest.raises(ValidationError):
        compare_answers(answers(), answers()[:10], LABELS)


def test_the_chance_is_that_of_a_fair_coin() -> None:
    assert chance_of_losing(0, 0) == 1
    assert chance_of_losing(5, 0) == 1 / 32
    assert chance_of_losing(2, 1) == 0.5


def test_the_largest_loss_is_the_end_of_the_published_interval() -> None:
    # By hand: (5 - 1 + 1.6449 * sqrt(5 + 1 + 1 - 16 / 343)) / 343.
    assert largest_loss(5, 1, 341) == pytest.approx(0.024307, abs=1e-6)
    assert largest_loss(0, 0, 10_000) < 0.0002
    assert largest_loss(0, 40, 1000) < 0
