"""Parity: what passes, what does not, and that the proof survives being written down."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from shared.errors import ParityError
from shared.models.feature_space import FeatureSpace
from worker.engines.parity import Parity, ParityReport, compare


@pytest.fixture
def reference() -> npt.NDArray[np.float32]:
    return np.random.default_rng(1).uniform(0, 2, (5, 2048)).astype(np.float32)


def test_rounding_passes(reference: npt.NDArray[np.float32]) -> None:
    rounded = reference.astype(np.float16).astype(np.float32)

    parity = compare(reference, rounded)

    assert parity.passed
    assert parity.pictures == 5
    parity.require("an engine")


@pytest.mark.parametrize(
    "change",
    [
        lambda features: features * 1.02,
        lambda features: features[::-1],
        lambda features: np.where(np.arange(2048) == 7, 9, features),
        lambda features: np.concatenate([features[:4], features[4:] + 0.1]),
        lambda features: np.full_like(features, np.nan),
        np.zeros_like,
    ],
    ids=["scaled", "other order", "one number off", "one picture off", "not numbers", "nothing"],
)
def test_other_answers_do_not_pass(change: object, reference: npt.NDArray[np.float32]) -> None:
    assert callable(change)
    with pytest.raises(ParityError, match="The answers of an engine differ too much"):
        compare(reference, change(reference).astype(np.float32)).require("an engine")


def test_agreement_on_pictures_that_the_reference_cannot_tell_apart_proves_nothing() -> None:
    same = np.ones((5, 2048), dtype=np.float32)

    parity = compare(same, same)

    assert parity.min_cosine == pytest.approx(1.0)
    assert not parity.passed


def test_answers_of_different_shapes_are_not_compared(reference: npt.NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="different shapes"):
        compare(reference, reference[:4])


def test_a_report_reads_back_as_it_was_written() -> None:
    report = ParityReport(
        FeatureSpace("ab" * 32, 299), "2026.4", {"model.bin": "cd" * 32}, "photos", Parity(12, 1.0, 1e-6, 0.7)
    )

    assert ParityReport.from_json(report.to_json()) == report


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"feature_space": 3}', "null"])
def test_a_report_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ParityError, match="cannot be read"):
        ParityReport.from_json(text)
