"""What a seller is told about one photo, made from the probabilities of one model version."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from shared.errors import ValidationError
from shared.models.confidence import ASK, SUGGEST_AT, Decision

# As many as fit beside a photo and as people compare at a glance.
TOP_COUNT = 3
# As many are kept with a prediction: listings pool them, and order the other categories by them.
KEPT_COUNT = 50


class Ranked(BaseModel):
    """A category and the probability that it is the right one."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    category: str
    probability: float = Field(ge=0, le=1)


class Answer(BaseModel):
    """The answer for one photo. `decision` says whether to suggest the category or to ask the seller."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    category: str
    confidence: float = Field(ge=0, le=1)
    decision: Decision
    top: list[Ranked]


def top_k(probabilities: npt.NDArray[np.floating], classes: Sequence[str], k: int = TOP_COUNT) -> Answer:
    """The answer for one photo whose `probabilities`, shape (classes,), sum to 1.

    Classes of equal probability keep the order of `classes`; fewer than `k` classes give a shorter list.

    Raises:
        ValidationError: the probabilities do not fit the classes or are not finite.
    """
    if probabilities.shape != (len(classes),) or k < 1:
        raise ValidationError(
            f"{len(classes)} classes need as many probabilities, not {probabilities.shape}."
        )
    if not np.isfinite(probabilities).all():
        raise ValidationError("The model gave no usable probabilities for this photo. Use another version.")
    order = np.argsort(-probabilities, kind="stable")[:k]
    top = [Ranked(category=classes[i], probability=float(probabilities[i])) for i in order]
    best = top[0]
    return Answer(
        category=best.category,
        confidence=best.probability,
        decision="suggest" if best.probability >= SUGGEST_AT else ASK,
        top=top,
    )
