"""The nearest training photos are those with the largest cosines, the nearest first."""

from __future__ import annotations

import numpy as np

from worker.nearest import CHUNK, KEPT, TrainingFeatures

GENERATOR = np.random.default_rng(0)


def test_the_nearest_photos_are_those_with_the_largest_cosines() -> None:
    photos = GENERATOR.exponential(1, (CHUNK + 3, 5)).astype(np.float32)
    training = GENERATOR.exponential(1, (40, 5)).astype(np.float32)
    names = [f"photo-{number}" for number in range(40)]
    lengths = np.outer(np.linalg.norm(photos, axis=1), np.linalg.norm(training, axis=1))
    cosines = photos @ training.T / lengths
    for row, found in zip(cosines, TrainingFeatures(names, training).nearest(photos), strict=True):
        assert [name for name, _ in found] == [names[place] for place in np.argsort(-row)[:KEPT]]
        np.testing.assert_allclose([cosine for _, cosine in found], np.sort(row)[::-1][:KEPT], atol=1e-4)


def test_fewer_training_photos_than_are_shown_are_all_near_and_a_photo_is_nearest_to_itself() -> None:
    training = GENERATOR.exponential(1, (3, 5)).astype(np.float32)
    (found,) = TrainingFeatures(["a", "b", "c"], training).nearest(3 * training[1:2])
    assert (len(found), found[0]) == (3, ("b", 1.0))
    assert TrainingFeatures([], training[:0]).nearest(training[:1]) == [[]]
