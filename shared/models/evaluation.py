"""How good a model version is on a list of photos, as it is stored, compared and shown."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.tables import ModelVersion

# Two-sided 95 % quantile of the standard normal distribution.
Z_95 = 1.959963984540054

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
# A 95 % interval of a share: its lower and its upper bound.
Interval = tuple[Share, Share]


class ClassEvaluation(BaseModel):
    """The figures of one class. None stands where there was nothing to count.

    `support` is how many photos truly are of the class. `precision` is None when the class was never
    answered; `recall`, its interval and `f1` are None when no photo is of the class.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    category: str
    support: Count
    precision: Share | None
    recall: Share | None
    f1: Share | None
    recall_interval: Interval | None


class Evaluation(BaseModel):
    """The figures of one model version on one split.

    `confusion[i][j]` counts photos of class i that were answered as class j, both in the order of
    `per_class`. `log_loss` is in nats, `expected_calibration_error` a share (0: as sure as it is right).
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    count: Annotated[int, Field(ge=1)]
    accuracy: Share
    interval: Interval
    per_class: list[ClassEvaluation]
    confusion: list[list[Count]]
    expected_calibration_error: Share
    log_loss: Annotated[float, Field(ge=0)]


def evaluation(version: ModelVersion, split: str) -> Evaluation | None:
    """A version's figures on one split; None when it has none or they are of an older form."""
    try:
        return Evaluation.model_validate(version.metrics[split])
    except (KeyError, ValidationError):
        return None


def wilson_interval(successes: int, total: int) -> Interval:
    """The 95 % score interval of a share: what the true share may be after `successes` out of `total`.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927) 209-212. Unlike the textbook interval it stays inside 0 to 1
    and holds for small counts and shares near 0 or 1.

    Raises:
        ValueError: `total` is not positive, or `successes` does not lie between 0 and `total`.
    """
    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is no share; there must be something to count.")
    share, squared = successes / total, Z_95**2
    centre = share + squared / (2 * total)
    reach = Z_95 * math.sqrt(share * (1 - share) / total + squared / (4 * total**2))
    scale = 1 + squared / total
    # 0 of n reaches down to 0 and n of n up to 1; rounding may overshoot, which the fields refuse.
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)
