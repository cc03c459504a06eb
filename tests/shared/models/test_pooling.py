"""Several photos of an item give one answer."""

from __future__ import annotations

import pytest

from shared.errors import ValidationError
from shared.models.answer import Answer, Ranked
from shared.models.pooling import pooled

CLASSES = ["dress", "hat", "shirt", "skirt"]


def ranked(**probabilities: float) -> list[Ranked]:
    """The answer for one photo."""
    return [Ranked(category=name, probability=share) for name, share in probabilities.items()]


def shares(answer: Answer) -> dict[str, float]:
    """Every category with its probability."""
    return {entry.category: round(entry.probability, 6) for entry in answer.top}


def test_the_probabilities_of_the_photos_are_averaged() -> None:
    answer = pooled([ranked(hat=0.9, shirt=0.1), ranked(hat=0.5, shirt=0.5)], CLASSES)
    assert (answer.category, answer.decision) == ("hat", "suggest")
    assert shares(answer) == {"hat": 0.7, "shirt": 0.3, "dress": 0.0, "skirt": 0.0}


def test_photos_that_agree_are_never_surer_together_than_the_surest_of_them() -> None:
    answer = pooled([ranked(hat=0.8, shirt=0.2)] * 5, CLASSES)
    assert answer.confidence == pytest.approx(0.8)


def test_one_photo_that_is_sure_of_something_else_vetoes_nothing() -> None:
    answer = pooled([*[ranked(hat=0.95, shirt=0.05)] * 4, ranked(dress=1.0)], CLASSES)
    assert (answer.category, answer.decision) == ("hat", "suggest")


def test_photos_that_contradict_each_other_lead_to_a_question() -> None:
    answer = pooled([ranked(hat=0.98, shirt=0.02), ranked(dress=0.97, shirt=0.03)], CLASSES)
    assert answer.decision == "ask"


def test_what_an_answer_leaves_open_is_spread_over_what_it_does_not_name() -> None:
    answer = pooled([ranked(hat=0.6, shirt=0.2)], CLASSES)
    assert shares(answer) == {"hat": 0.6, "shirt": 0.2, "dress": 0.1, "skirt": 0.1}


def test_without_a_photo_there_is_nothing_to_pool() -> None:
    with pytest.raises(ValidationError):
        pooled([], CLASSES)
