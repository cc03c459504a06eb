"""Labels that all other photos speak against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from worker import doubtful_labels as module
from worker.doubtful_labels import doubtful_labels

KINDS = ("dress", "hat", "shirt")
EACH = 40


def features_of(labels: list[str], noise: float = 0.01) -> npt.NDArray[np.float32]:
    """Features of photos that show what these labels say, a little different from each other."""
    drawn = np.random.default_rng(0)
    centres = drawn.normal(size=(len(KINDS), 2048))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    shown = centres[[KINDS.index(label) for label in labels]]
    return (shown + noise * drawn.normal(size=shown.shape)).astype(np.float32)


def test_wrong_labels_are_found_with_what_the_photos_look_like() -> None:
    true = [kind for kind in KINDS for _ in range(EACH)]
    labels = list(true)
    labels[3], labels[50] = "shirt", "dress"
    found = doubtful_labels(features_of(true), labels)
    assert {(one.place, one.likely) for one in found} == {(3, "dress"), (50, "hat")}


def test_where_photos_tell_nothing_no_label_is_doubted() -> None:
    labels = [kind for kind in KINDS for _ in range(EACH)]
    alike = np.random.default_rng(1).normal(size=(len(labels), 2048)).astype(np.float32)
    assert doubtful_labels(alike, labels) == []


def test_each_photo_is_judged_as_by_a_regression_that_never_saw_it() -> None:
    labels = ["hat", "shirt", "dress"] * 5
    features = features_of(labels, noise=0.05)
    targets = np.eye(3)[[KINDS.index(label) for label in labels]]
    scores = module._scores_without_itself(features, targets)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    inputs = np.hstack([unit, np.ones((len(unit), 1))]).astype(np.float64)
    for place in range(len(labels)):
        others = np.delete(inputs, place, axis=0)
        square = others.T @ others + module.RIDGE * np.eye(inputs.shape[1])
        weights = np.linalg.solve(square, others.T @ np.delete(targets, place, axis=0))
        np.testing.assert_allclose(scores[place], inputs[place] @ weights, atol=1e-6)
