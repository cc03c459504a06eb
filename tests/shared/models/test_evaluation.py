"""Shares come with their interval."""

from __future__ import annotations

import pytest

from shared.models.evaluation import wilson_interval


# R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
# (1998) 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_that_of_the_published_table(
    successes: int, total: int, low: float, high: float
) -> None:
    assert wilson_interval(successes, total) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("total", [1, 7, 372, 10**6])
def test_the_interval_never_leaves_zero_to_one(total: int) -> None:
    low, high = wilson_interval(0, total), wilson_interval(total, total)
    assert low[0] == pytest.approx(0, abs=1e-12)
    assert high[1] == pytest.approx(1, abs=1e-12)
    assert min(low) >= 0
    assert max(high) <= 1
    assert low[1] == pytest.approx(1 - high[0])


@pytest.mark.parametrize(("successes", "total"), [(0, 0), (3, 2), (-1, 5)])
def test_there_is_no_interval_of_nothing(successes: int, total: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(successes, total)
