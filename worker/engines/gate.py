"""May a head that was chosen and measured in full precision answer on the features of an int8 network?

It is asked on validation photos, for each version anew, because what a small difference in the features does
depends on the head.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from shared.errors import ValidationError
from shared.models.engine_gates import MIN_PHOTOS
from worker.training.calibrate import expected_calibration_error

# 97 to 99 of 100 answers agreed whenever it was measured on clothing photos; less than 95 is a defect.
MIN_AGREEMENT = 0.95
# An accuracy that is worse is chance unless it would come out this rarely among equally good engines.
SIGNIFICANCE = 0.05
# On few photos a loss looks like chance, so it must be shown, too, that 8 bits cost no more than this.
# A hundred photos show it if no right answer gets lost, 120 if one does, 341 if five do.
MAX_LOSS = 0.03
# Confidences are shown in whole per cents and matter in steps of ten: two points more mislead nobody.
MAX_CALIBRATION_LOSS = 0.02

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of one head on two engines for the same labelled photos.

    `lost` photos only full precision got right, `won` only int8; `chance` is the probability of losing that
    many or more if both were equally good, `largest_loss` how much less accurate int8 may be on all photos
    there are (95 %). Calibration errors are shares.
    """

    photos: int
    agreement: float
    accuracy: float
    int8_accuracy: float
    lost: int
    won: int
    chance: float
    largest_loss: float
    calibration_error: float
    int8_calibration_error: float

    @property
    def passed(self) -> bool:
        """True when the int8 engine may serve."""
        return not any(self._objections())

    @property
    def sentence(self) -> str:
        """The judgement for a person."""
        objections = list(self._objections())
        if objections:
            return f"OpenVINO int8 was refused: {'; '.join(objections)}."
        return (
            f"OpenVINO int8 passed on {self.photos} validation photos: {self.agreement:.1%} of the answers "
            f"are the same, accuracy {self.int8_accuracy:.1%} against {self.accuracy:.1%}."
        )

    def _objections(self) -> Iterator[str]:
        if self.photos < MIN_PHOTOS:
            yield f"there are {self.photos} validation photos, and at least {MIN_PHOTOS} are needed"
        if self.agreement < MIN_AGREEMENT:
            yield f"only {self.agreement:.1%} of the answers are the same, {MIN_AGREEMENT:.0%} must be"
        if self.chance < SIGNIFICANCE:
            yield (
                f"it is less accurate, {self.int8_accuracy:.1%} against {self.accuracy:.1%}, and that is no "
                f"chance (p = {self.chance:.3f})"
            )
        elif self.largest_loss > MAX_LOSS:
            yield (
                f"so few photos show only that it loses at most {self.largest_loss:.1%} of the accuracy, at "
                f"most {MAX_LOSS:.0%} may be; more validation photos tell more"
            )
        loss = self.int8_calibration_error - self.calibration_error
        if loss > MAX_CALIBRATION_LOSS:
            yield f"its calibration error is {loss:.3f} higher, at most {MAX_CALIBRATION_LOSS} may be"


def compare_answers(
    reference: Probabilities, candidate: Probabilities, labels: npt.NDArray[np.int64]
) -> Comparison:
    """Compare the probabilities (n, classes) of full precision and int8 for photos of these class numbers.

    Raises:
        ValidationError: there are no photos, or the arrays do not fit each other.
    """
    if reference.shape != candidate.shape or not len(labels):
        raise ValidationError(
            f"Answers of the shapes {reference.shape} and {candidate.shape} cannot be compared."
        )
    wanted, given = reference.argmax(axis=1), candidate.argmax(axis=1)
    lost = int(((wanted == labels) & (given != labels)).sum())
    won = int(((wanted != labels) & (given == labels)).sum())
    return Comparison(
        photos=len(labels),
        agreement=float((wanted == given).mean()),
        accuracy=float((wanted == labels).mean()),
        int8_accuracy=float((given == labels).mean()),
        lost=lost,
        won=won,
        chance=chance_of_losing(lost, won),
        largest_loss=largest_loss(lost, won, len(labels)),
        calibration_error=expected_calibration_error(reference, labels),
        int8_calibration_error=expected_calibration_error(candidate, labels),
    )


def chance_of_losing(lost: int, won: int) -> float:
    """How probable at least `lost` losses are among `lost + won` photos if each could go either way.

    The exact one-sided form of McNemar's test: Q. McNemar, "Note on the sampling error of the difference
    between correlated proportions or percentages", Psychometrika 12 (1947) 153-157.
    """
    changed = lost + won
    return float(sum(math.comb(changed, count) for count in range(lost, changed + 1)) / 2**changed)


def largest_loss(lost: int, won: int, photos: int) -> float:
    """The upper end of a one-sided 95 % interval for the share of photos lost, less those won.

    The adjusted Wald interval for matched proportions, half a photo added to each of the four cells:
    A. Agresti and Y. Min, "Simple improved confidence intervals for comparing matched proportions",
    Statistics in Medicine 24 (2005) 729-740.
    """
    total, difference = photos + 2, lost - won
    spread = math.sqrt(lost + won + 1 - difference**2 / total)
    return (difference + NormalDist().inv_cdf(1 - SIGNIFICANCE) * spread) / total
