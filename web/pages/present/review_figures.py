"""What reviews say, as figures with their intervals."""

from __future__ import annotations

from dataclasses import dataclass

from shared.reviewing.figures import Tally
from web.pages.present.words import percent

NONE_DRAWN = "No photo drawn at random was reviewed yet"


@dataclass(frozen=True, slots=True)
class FigureView:
    """A number with its title and what to know about it."""

    title: str
    value: str
    note: str


def review_figures(
    version: int, accuracy: Tally, outside: Tally, agreement: Tally, with_sellers: Tally
) -> list[FigureView]:
    """The figures beside the review queue."""
    return [
        _figure(f"Version {version} is right", accuracy, "of photos drawn at random", NONE_DRAWN),
        _figure("Not in the list", outside, "of photos drawn at random", NONE_DRAWN),
        _figure("Reviewers agree", agreement, "of photos seen twice", "No photo was seen twice yet"),
        _figure("Agree with the seller", with_sellers, "of answers", "No listing has both yet"),
    ]


def _figure(title: str, tally: Tally, of_what: str, nothing: str) -> FigureView:
    if tally.interval is None:
        return FigureView(title, "–", nothing)
    low, high = tally.interval
    interval = f"95\u00a0% interval {percent(low)} to {percent(high)}"
    counted = f"{tally.right:,} {of_what.replace('of ', f'of {tally.total:,} ', 1)}"
    return FigureView(title, percent(tally.share), f"{counted}, {interval}")
