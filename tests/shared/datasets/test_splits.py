"""The side a new photo lands on."""

from __future__ import annotations

import hashlib
from collections import Counter

from shared.datasets.splits import split_of
from shared.jobs.states import Split


def digests(count: int) -> list[str]:
    """SHA-256 digests of made-up photos."""
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def test_a_photo_lands_on_the_side_it_always_landed_on() -> None:
    # Written down when the rule was made: a change of the rule would let photos change sides.
    sides = [split_of(digest).value for digest in digests(8)]
    assert sides == ["test", "train", "train", "train", "train", "train", "train", "test"]


def test_most_photos_are_learned_from_and_the_rest_is_shared_between_the_two_measuring_sides() -> None:
    counts = Counter(split_of(digest) for digest in digests(10_000))
    assert 6_800 < counts[Split.TRAIN] < 7_200
    assert 1_350 < counts[Split.VALIDATION] < 1_650
    assert 1_350 < counts[Split.TEST] < 1_650
