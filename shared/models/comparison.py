"""Two versions on the same test photos: what the new one mends and breaks, and whether that is chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy.orm import Session

from shared.datasets import store as datasets
from shared.models import evaluated, registry
from shared.models.evaluation import Interval, wilson_interval
from shared.tables import EvaluatedPhoto

# The usual level: one in twenty comparisons of equals is called a difference.
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """One photo and what both versions answered for it."""

    digest: str
    truth: str
    answer_a: str
    confidence_a: float
    answer_b: str
    confidence_b: float

    @property
    def right_a(self) -> bool:
        """Whether the first version is right."""
        return self.answer_a == self.truth

    @property
    def right_b(self) -> bool:
        """Whether the second version is right."""
        return self.answer_b == self.truth


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often each of two versions is right on the same photos.

    `fixed` counts photos that only the second one has right, `broken` those that only the first one has.
    """

    count: int
    both_right: int
    fixed: int
    broken: int
    both_wrong: int

    @property
    def p_value(self) -> float:
        """How likely a difference this large is between two versions that are equally good."""
        return exact_mcnemar(self.fixed, self.broken)

    @property
    def accuracy_a(self) -> float:
        """The share that the first version has right."""
        return (self.both_right + self.broken) / self.count

    @property
    def accuracy_b(self) -> float:
        """The share that the second version has right."""
        return (self.both_right + self.fixed) / self.count


@dataclass(frozen=True, slots=True)
class Comparison:
    """Version `a` and version `b` on the test photos of one dataset version.

    Here, photos never change sides, so that neither has learned from them; of those in `trained_elsewhere`,
    nobody here knows.
    """

    a: int
    b: int
    dataset_version: int
    pairs: list[Pair]
    trained_elsewhere: list[int]

    @property
    def outcome(self) -> Outcome:
        """All photos counted."""
        return _count(self.pairs)

    @property
    def per_class(self) -> dict[str, Outcome]:
        """The photos of each category counted, in alphabetical order."""
        truths = sorted({pair.truth for pair in self.pairs})
        return {truth: _count([pair for pair in self.pairs if pair.truth == truth]) for truth in truths}

    @property
    def fixed(self) -> list[Pair]:
        """Photos that only `b` has right, surest first."""
        found = [pair for pair in self.pairs if pair.right_b and not pair.right_a]
        return sorted(found, key=lambda pair: -pair.confidence_b)

    @property
    def broken(self) -> list[Pair]:
        """Photos that only `a` has right; where `b` is surest of its mistake first."""
        found = [pair for pair in self.pairs if pair.right_a and not pair.right_b]
        return sorted(found, key=lambda pair: -pair.confidence_b)

    @property
    def both_wrong(self) -> list[Pair]:
        """Photos that neither has right; where `b` is surest of its mistake first."""
        found = [pair for pair in self.pairs if not pair.right_a and not pair.right_b]
        return sorted(found, key=lambda pair: -pair.confidence_b)


def compare(session: Session, a: int, b: int) -> Comparison | None:
    """Pair the answers of two versions on the newest test photos that both were evaluated on.

    None when there are none: then `shared.models.rescoring` lets both answer the same ones.
    """
    common = set(evaluated.dataset_versions(session, a)) & set(evaluated.dataset_versions(session, b))
    if not common:
        return None
    dataset_version = max(common)
    other = {photo.digest: photo for photo in evaluated.of(session, b, dataset_version)}
    pairs = [
        _pair(photo, other[photo.digest])
        for photo in evaluated.of(session, a, dataset_version)
        if photo.digest in other
    ]
    return Comparison(a, b, dataset_version, pairs, _trained_elsewhere(session, a, b)) if pairs else None


def exact_mcnemar(fixed: int, broken: int) -> float:
    """The two-sided p-value of the exact McNemar test.

    Under the hypothesis that both versions are equally good, each photo that only one of them has right is a
    fair coin (Q. McNemar, "Note on the sampling error of the difference between correlated proportions",
    Psychometrika 12 (1947) 153-157; exact binomial form). Photos on which both agree say nothing.
    """
    discordant = fixed + broken
    if not discordant:
        return 1.0
    tail = sum(math.comb(discordant, k) for k in range(min(fixed, broken) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**discordant)))


def accuracy_interval(outcome: Outcome, *, second: bool) -> Interval:
    """The 95 % Wilson interval of the accuracy of one of the two versions."""
    right = outcome.both_right + (outcome.fixed if second else outcome.broken)
    return wilson_interval(right, outcome.count)


def _trained_elsewhere(session: Session, *numbers: int) -> list[int]:
    """Those of these versions that learned from photos of no dataset version here, such as the starter."""
    made_from = {number: registry.find(session, number).lineage.get("dataset_digest") for number in numbers}
    here = {version.digest for version in datasets.versions(session)}
    return [number for number in numbers if made_from[number] not in here]


def _pair(first: EvaluatedPhoto, second: EvaluatedPhoto) -> Pair:
    return Pair(first.digest, first.truth, first.answer, first.confidence, second.answer, second.confidence)


def _count(pairs: Sequence[Pair]) -> Outcome:
    both = sum(pair.right_a and pair.right_b for pair in pairs)
    fixed = sum(pair.right_b and not pair.right_a for pair in pairs)
    broken = sum(pair.right_a and not pair.right_b for pair in pairs)
    return Outcome(len(pairs), both, fixed, broken, len(pairs) - both - fixed - broken)
