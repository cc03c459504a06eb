"""Making a head as sure as it is right."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from shared.errors import ValidationError

# Networks that are too sure need a few units, heads trained with smoothed labels somewhat less than 1. Beyond
# this range a temperature says that the validation photos do not tell, not how sure to be.
LOWEST, HIGHEST = 0.1, 20.0
# Each step keeps 0.618 of the range: 40 steps bring log(200) below 1e-7.
STEPS = 40
GOLDEN = (math.sqrt(5) - 1) / 2


def fit_temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """The temperature that minimises the negative log likelihood of the validation labels.

    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017,
    section 4.2. The likelihood has a single minimum over the logarithm of the temperature, which golden
    section search finds. `logits` is (n, classes), `labels` (n,) holds class numbers.

    The answer is 1 (change nothing) where the photos cannot tell: there are none, every logit of a photo is
    the same, or all answers are so right that only "infinitely sure" would satisfy them.

    Raises:
        ValidationError: logits and labels do not fit each other, or a logit is not finite.
    """
    _check(logits, labels)
    if not len(labels):
        return 1.0
    scores = logits.astype(np.float64)
    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if _loss(scores, labels, math.exp(left)) <= _loss(scores, labels, math.exp(right)):
            high = right
        else:
            low = left
    # Never having left the floor means that surer is always better, or that it makes no difference.
    return 1.0 if low == math.log(LOWEST) else math.exp((low + high) / 2)


def expected_calibration_error(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = 15
) -> float:
    """How far confidence and accuracy lie apart on average, between 0 and 1.

    Photos are put into `bins` equally wide bins by their highest probability; the gap between mean confidence
    and accuracy of each bin is weighted by its size (Guo et al. 2017, equation 3, with their 15 bins).
    `probabilities` is (n, classes), `labels` (n,) holds class numbers.

    Raises:
        ValidationError: there are no photos, or probabilities and labels do not fit each other.
    """
    _check(probabilities, labels)
    if not len(labels):
        raise ValidationError("Calibration cannot be measured without photos. Add some to this split.")
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    # Bin m holds confidences above (m - 1) / bins, up to and including m / bins.
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def _loss(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.integer], temperature: float) -> float:
    """Mean negative log likelihood of the labels at this temperature."""
    scaled = (scores - scores.max(axis=1, keepdims=True)) / temperature
    true = scaled[np.arange(len(labels)), labels]
    return float((np.log(np.exp(scaled).sum(axis=1)) - true).mean())


def _check(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> None:
    if scores.ndim != 2 or labels.shape != scores.shape[:1]:
        raise ValidationError(f"{labels.shape} labels do not fit scores of shape {scores.shape}.")
    if len(labels) and not (labels.min() >= 0 and labels.max() < scores.shape[1]):
        raise ValidationError(f"Labels must be class numbers from 0 to {scores.shape[1] - 1}.")
    if not np.isfinite(scores).all():
        raise ValidationError("The head's answers are not finite numbers. Train again with a lower rate.")
