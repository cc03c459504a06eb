"""What was done within a window of time: bins of it, categories, versions, and when the champion changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shared.jobs.states import Split
from shared.models.confidence import ASK
from shared.models.registry import CHAMPION
from shared.overview import hours
from shared.overview.tally import HOUR, Tally
from shared.tables import DECIDED, AliasChange, Listing, ModelVersion


class Window(StrEnum):
    """How far back to look."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


@dataclass(frozen=True, slots=True)
class _Grid:
    """A window as a number of bins of equal length; they begin at whole multiples of it, in UTC."""

    bin: timedelta
    count: int


# As many bins as a chart on a phone can show, of lengths that people count in.
GRIDS = {
    Window.DAY: _Grid(HOUR, 24),
    Window.WEEK: _Grid(6 * HOUR, 28),
    Window.MONTH: _Grid(24 * HOUR, 30),
}


@dataclass(frozen=True, slots=True)
class Bin:
    """What was done from `since` to before `until`."""

    since: datetime
    until: datetime
    tally: Tally


@dataclass(frozen=True, slots=True)
class CategoryFigures:
    """One category: answers, those that asked, and what sellers made of its suggestions.

    `mix` is its share of all answers, `trained_mix` its share of the photos the champion learned from; None
    where there was nothing to count. `decided` counts listings for which it was suggested.
    """

    category: str
    answered: int
    asked: int
    mix: float | None
    trained_mix: float | None
    decided: int
    corrected: int


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """What one version answered."""

    version: int
    answered: int
    asked: int


@dataclass(frozen=True, slots=True)
class Done:
    """What was done within a window. `changes` are the moves of the champion in it, oldest first."""

    window: Window
    bins: list[Bin]
    total: Tally
    categories: list[CategoryFigures]
    versions: list[VersionFigures]
    changes: list[AliasChange]

    @property
    def since(self) -> datetime:
        """When the window begins."""
        return self.bins[0].since

    @property
    def shift(self) -> float | None:
        """How far the mix of answers is from what the champion learned from, 0 to 1: the share of photos
        that would have to be of another category for both to be equal (total variation distance)."""
        pairs = [(row.mix, row.trained_mix) for row in self.categories]
        known = [(mix, trained) for mix, trained in pairs if mix is not None and trained is not None]
        return sum(abs(mix - trained) for mix, trained in known) / 2 if known else None


def done(session: Session, window: Window, champion: ModelVersion | None, now: datetime) -> Done:
    """What was done within a window that ends now."""
    bins = _bins(session, window, now)
    total = Tally()
    for one in bins:
        total.add(one.tally)
    since = bins[0].since
    return Done(
        window=window,
        bins=bins,
        total=total,
        categories=_categories(session, total, champion, since),
        versions=_versions(total),
        changes=_changes(session, since),
    )


def _bins(session: Session, window: Window, now: datetime) -> list[Bin]:
    grid = GRIDS[window]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    last = epoch + (now - epoch) // grid.bin * grid.bin
    starts = [last - grid.bin * back for back in reversed(range(grid.count))]
    counted = hours.between(session, starts[0], last + grid.bin)
    bins = [Bin(start, start + grid.bin, Tally()) for start in starts]
    for hour, tally in counted.items():
        bins[(hour - starts[0]) // grid.bin].tally.add(tally)
    return bins


def _categories(
    session: Session, total: Tally, champion: ModelVersion | None, since: datetime
) -> list[CategoryFigures]:
    """Every category of the champion's list, and those that others answered or suggested, by name."""
    answered: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for given, count in total.given.items():
        answered[given.category] += count
        asked[given.category] += count if given.decision == ASK else 0
    trained = _trained_mix(champion) if champion else {}
    decided = _decided(session, since)
    names = {*(champion.classes if champion else ()), *answered, *decided}
    return [
        CategoryFigures(
            category=name,
            answered=answered[name],
            asked=asked[name],
            mix=answered[name] / answered.total() if answered else None,
            trained_mix=trained.get(name, 0.0) if trained else None,
            decided=decided.get(name, (0, 0))[0],
            corrected=decided.get(name, (0, 0))[1],
        )
        for name in sorted(names)
    ]


def _trained_mix(version: ModelVersion) -> dict[str, float]:
    """The share of each category among the photos a version learned from; empty when it does not say."""
    learned: Mapping[str, int] = version.lineage.get("dataset_counts", {}).get(Split.TRAIN.value, {})
    total = sum(learned.values())
    return {name: count / total for name, count in learned.items()} if total else {}


def _decided(session: Session, since: datetime) -> dict[str, tuple[int, int]]:
    """By suggested category: for how many listings a seller decided, and how often otherwise."""
    rows = session.execute(
        select(Listing.suggested, func.count(), func.count().filter(Listing.corrected))
        .where(Listing.chosen_at >= since, text(DECIDED))
        .group_by(Listing.suggested)
    )
    return {category: (count, corrected) for category, count, corrected in rows if category is not None}


def _versions(total: Tally) -> list[VersionFigures]:
    answered: Counter[int] = Counter()
    asked: Counter[int] = Counter()
    for given, count in total.given.items():
        answered[given.version] += count
        asked[given.version] += count if given.decision == ASK else 0
    return [VersionFigures(number, answered[number], asked[number]) for number in sorted(answered)]


def _changes(session: Session, since: datetime) -> list[AliasChange]:
    moved = (AliasChange.name == CHAMPION, AliasChange.created_at >= since, AliasChange.after.is_not(None))
    return list(session.scalars(select(AliasChange).where(*moved).order_by(AliasChange.id)))
