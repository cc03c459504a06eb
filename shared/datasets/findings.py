"""What is wrong with a dataset version, by written rules. A finding warns, or blocks trainings.

From the counts alone, at once:
- unmeasured       warns: a category has no test photos, so nobody will know how good it is.
- few_to_learn     warns: a category has fewer than MIN_TRAIN training photos.
- few_to_measure   warns: a category has fewer than MIN_TEST test photos; one photo moves its recall a lot.
- prior_shift      warns: the categories are mixed differently in training and test: the total variation
                   distance, half the sum of the differences of the shares, is above MAX_SHIFT and a
                   chi-square test of homogeneity says that this is no accident (below the 1 % level).
- unequal          warns: the largest category has more than MAX_RATIO times the photos of the smallest.

From a look at every photo, by a job:
- unreadable       blocks: the file of a photo is gone or differs from its digest. A training would fail.
- leaked           blocks, when more than MAX_LEAKED of the test photos have a near-duplicate among the
                   training photos: the test would flatter. Fewer warn.
- conflicting      warns: near-duplicates have different labels; one of the labels is wrong.
- doubtful         warns: all other photos together say clearly another category than a photo's label.
- near_duplicates  warns: near-duplicates on the training side, which count more than once.
- tiny             warns: a photo has a side below MIN_SIDE pixels; it holds little to recognise.

The same photo cannot be on two sides: a photo is one example, known by the digest of its pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from shared.jobs.states import Split
from shared.tables import DatasetVersion

# The published course set has 12 test photos in its smallest categories and 3 % of 3,068 to learn from.
MIN_TRAIN = 20
MIN_TEST = 10
MAX_SHIFT = 0.1
CHI_SQUARE_QUANTILE = 2.3263478740408408  # of the standard normal distribution, for the 1 % level
MAX_RATIO = 10
MAX_LEAKED = 0.05
MIN_SIDE = 100

Level = Literal["blocks", "warns"]


class Finding(BaseModel):
    """One thing to know before training.

    `photos` are digests, of pairs one behind the other; `likely` are the categories they look like, in the
    same order, where that is the matter.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    level: Level
    detail: str
    photos: list[str] = []
    likely: list[str] = []


def from_counts(version: DatasetVersion) -> list[Finding]:
    """What the counts of a dataset version tell."""
    train, test = (_side(version, split) for split in (Split.TRAIN, Split.TEST))
    found = [
        _named("unmeasured", "No test photos, so nobody will know how good it is", _below(test, 1)),
        _named(
            "few_to_learn", f"Fewer than {MIN_TRAIN} training photos to learn from", _below(train, MIN_TRAIN)
        ),
        _named(
            "few_to_measure",
            f"Fewer than {MIN_TEST} test photos, so its recall is little more than a guess",
            {name: count for name, count in _below(test, MIN_TEST).items() if count},
        ),
        _prior_shift(train, test),
        _unequal(train),
    ]
    return [finding for finding in found if finding is not None]


def total_variation(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """How differently two sides are mixed: 0 for the same mix, 1 for no category in common."""
    sums = sum(first.values()), sum(second.values())
    names = {*first, *second}
    return sum(abs(first.get(n, 0) / sums[0] - second.get(n, 0) / sums[1]) for n in names) / 2


def chi_square_exceeds(first: Mapping[str, int], second: Mapping[str, int]) -> bool:
    """Whether the mixes differ more than chance explains, at the 1 % level.

    The chi-square statistic of homogeneity against its quantile, which is approximated after E. B. Wilson and
    M. M. Hilferty, "The distribution of chi-square", PNAS 17 (1931) 684-688.
    """
    names = sorted(name for name in {*first, *second} if first.get(name, 0) + second.get(name, 0))
    sums = sum(first.values()), sum(second.values())
    statistic = 0.0
    for name in names:
        both = first.get(name, 0) + second.get(name, 0)
        for side, total in zip((first, second), sums, strict=True):
            expected = both * total / sum(sums)
            statistic += (side.get(name, 0) - expected) ** 2 / expected
    degrees = len(names) - 1
    if not degrees:
        return False
    spread = 2 / (9 * degrees)
    return statistic > degrees * (1 - spread + CHI_SQUARE_QUANTILE * math.sqrt(spread)) ** 3


def _prior_shift(train: Mapping[str, int], test: Mapping[str, int]) -> Finding | None:
    if not sum(train.values()) or not sum(test.values()):
        return None
    distance = total_variation(train, test)
    if distance <= MAX_SHIFT or not chi_square_exceeds(train, test):
        return None
    sums = sum(train.values()), sum(test.values())
    name = max(train, key=lambda name: abs(train[name] / sums[0] - test[name] / sums[1]))
    return Finding(
        name="prior_shift",
        level="warns",
        detail=f"Training and test are mixed differently (total variation {distance * 100:.0f} %): {name} is "
        f"{train[name] / sums[0] * 100:.1f} % of training and {test[name] / sums[1] * 100:.1f} % of test. "
        "Accuracy on test speaks for its own mix.",
    )


def _unequal(train: Mapping[str, int]) -> Finding | None:
    if not train:
        return None
    least, most = min(train, key=train.__getitem__), max(train, key=train.__getitem__)
    if train[most] <= MAX_RATIO * max(1, train[least]):
        return None
    return Finding(
        name="unequal",
        level="warns",
        detail=f"{most} has {train[most]:,} training photos and {least} {train[least]:,}. "
        "Class weighting 'balanced' lets both count the same.",
    )


def _named(name: str, sentence: str, counts: Mapping[str, int]) -> Finding | None:
    if not counts:
        return None
    listed = ", ".join(f"{label} ({count})" for label, count in counts.items())
    return Finding(name=name, level="warns", detail=f"{sentence}: {listed}.")


def _side(version: DatasetVersion, split: Split) -> dict[str, int]:
    counts: dict[str, Any] = version.counts.get(split.value, {})
    return {name: int(counts.get(name, 0)) for name in version.classes}


def _below(counts: Mapping[str, int], limit: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count < limit}
