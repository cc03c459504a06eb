"""A map says what each place of a photo gave to the answer: gradients in closed form, kept in few bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from shared.models.activation_map import MAX_SIDE, quantized, rows, where
from shared.models.feature_space import FEATURE_COUNT
from shared.models.head import Head

PHOTOS, SIDE, CLASSES = 3, 4, 5
GENERATOR = np.random.default_rng(0)
SEEN = GENERATOR.exponential(1, (PHOTOS, SIDE, SIDE, FEATURE_COUNT)).astype(np.float32)
FEATURES = SEEN.mean(axis=(1, 2))


def normal(*shape: int) -> npt.NDArray[np.float32]:
    drawn: npt.NDArray[np.float32] = GENERATOR.normal(0, 0.1, shape).astype(np.float32)
    return drawn


LINEAR = Head(normal(FEATURE_COUNT, CLASSES), normal(CLASSES))
HIDDEN = Head(normal(16, CLASSES), normal(CLASSES), normal(FEATURE_COUNT, 16), normal(16), temperature=1.7)


def maps_of(head: Head) -> npt.NDArray[np.float32]:
    """What every engine computes, written down plainly."""
    maps: npt.NDArray[np.float32] = np.einsum("nyxk,nk->nyx", SEEN, head.gradients(FEATURES))
    return maps


def highest_logits(head: Head, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The head's highest logits in double precision, so that small differences can be told."""
    hidden = features
    if head.hidden_kernel is not None and head.hidden_bias is not None:
        hidden = np.maximum(features @ head.hidden_kernel.astype(float) + head.hidden_bias, 0)
    highest: npt.NDArray[np.float64] = (hidden @ head.logits_kernel.astype(float) + head.logits_bias).max(
        axis=1
    )
    return highest


def grid(*filled: tuple[int, int], side: int = 9) -> list[list[int]]:
    """A map that is 255 in these places, by row and column."""
    return [[255 if (y, x) in filled else 0 for x in range(side)] for y in range(side)]


@pytest.mark.parametrize("head", [LINEAR, HIDDEN], ids=["linear", "hidden"])
def test_the_closed_form_is_the_numeric_gradient(head: Head) -> None:
    gradients = head.gradients(FEATURES)
    step = 1e-4
    for feature in (0, 7, 1023, FEATURE_COUNT - 1):
        moved = np.zeros(FEATURE_COUNT)
        moved[feature] = step
        above, below = (highest_logits(head, FEATURES + sign * moved) for sign in (1, -1))
        np.testing.assert_allclose(gradients[:, feature], (above - below) / (2 * step), rtol=1e-4, atol=1e-6)


def test_the_mean_of_a_map_is_the_logit_of_the_answer_less_its_bias() -> None:
    logits = LINEAR.logits(FEATURES)
    winners = logits.argmax(axis=1)
    given = logits[np.arange(PHOTOS), winners] - LINEAR.logits_bias[winners]
    np.testing.assert_allclose(maps_of(LINEAR).mean(axis=(1, 2)), given, rtol=1e-4)


def test_with_a_hidden_layer_places_and_biases_together_are_the_logit() -> None:
    assert HIDDEN.hidden_kernel is not None
    assert HIDDEN.hidden_bias is not None
    on = FEATURES @ HIDDEN.hidden_kernel + HIDDEN.hidden_bias > 0
    assert 0 < on.mean() < 1  # some units are off, or nothing would be shown
    logits = HIDDEN.logits(FEATURES)
    winners = logits.argmax(axis=1)
    biases = (HIDDEN.logits_kernel[:, winners].T * on) @ HIDDEN.hidden_bias + HIDDEN.logits_bias[winners]
    given = logits[np.arange(PHOTOS), winners] - biases
    np.testing.assert_allclose(maps_of(HIDDEN).mean(axis=(1, 2)), given, rtol=1e-3)


def test_a_stored_map_has_a_byte_for_each_place_and_its_highest_place_is_255() -> None:
    maps = np.array([[[0, 1], [-3, 2]], [[-1, -2], [-3, -4]]], dtype=np.float32)
    stored = quantized(maps)
    assert [rows(one) for one in stored] == [[[0, 128], [0, 255]], [[0, 0], [0, 0]]]


def test_a_fine_map_is_reduced_without_moving_what_it_shows() -> None:
    fine = np.zeros((1, 32, 32), dtype=np.float32)
    fine[0, 2:4, 27:30] = 1
    (stored,) = quantized(fine)
    assert len(stored) == MAX_SIDE**2
    assert where(rows(stored)) == "mostly in the upper right"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (grid((0, 0), (1, 1)), "mostly in the upper left"),
        (grid((4, 4)), "mostly in the middle"),
        (
            grid((1, 4), (4, 4), (4, 5), (1, 3), (0, 0), (8, 8), (8, 0)),
            "mostly in the middle and in the upper middle",
        ),
        (grid((5, 1), (4, 0)), "mostly on the left"),
        (grid(*((y, x) for y in range(9) for x in range(9))), "spread over much of the photo"),
        (grid(), "nowhere in particular"),
        (grid((0, 1), side=3), "mostly in the upper middle"),
        (grid((0, 1), side=2), "mostly in the upper right"),
    ],
)
def test_where_it_lies_is_said_in_words(shown: list[list[int]], words: str) -> None:
    assert where(shown) == words
