"""What a seller is told."""

from __future__ import annotations

import numpy as np
import pytest

from shared.errors import ValidationError
from shared.models.answer import Answer, top_k

CLASSES = ["dress", "hat", "pants", "shirt"]


def _answer(*probabilities: float, k: int = 3) -> Answer:
    return top_k(np.array(probabilities), CLASSES, k)


def test_the_most_probable_category_is_the_answer() -> None:
    answer = _answer(0.1, 0.05, 0.8, 0.05)
    assert (answer.category, answer.confidence) == ("pants", 0.8)


def test_the_top_is_ordered_and_equal_ones_keep_the_order_of_the_classes() -> None:
    answer = _answer(0.1, 0.2, 0.5, 0.2)
    assert [(one.category, one.probability) for one in answer.top] == [
        ("pants", 0.5),
        ("hat", 0.2),
        ("shirt", 0.2),
    ]


@pytest.mark.parametrize(("confidence", "decision"), [(0.7, "suggest"), (0.6999, "ask"), (1.0, "suggest")])
def test_a_category_is_suggested_from_seven_tenths_on(confidence: float, decision: str) -> None:
    assert _answer(confidence, 1 - confidence, 0, 0).decision == decision


def test_fewer_classes_than_asked_for_give_a_shorter_list() -> None:
    assert len(_answer(0.25, 0.25, 0.25, 0.25, k=9).top) == 4


def test_probabilities_that_do_not_fit_the_classes_are_refused() -> None:
    with pytest.raises(ValidationError, match="4 classes"):
        _answer(0.5, 0.5)


def test_an_answer_without_numbers_never_reaches_a_seller() -> None:
    with pytest.raises(ValidationError, match="another version"):
        _answer(float("nan"), 0.5, 0.5, 0)


def test_an_answer_survives_being_stored_as_json() -> None:
    answer = top_k(np.array([0.1, 0.2, 0.7, 0], np.float32), CLASSES)
    assert Answer.model_validate_json(answer.model_dump_json()) == answer
