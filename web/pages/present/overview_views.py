"""The overview as charts, rows and figures; each number with the address of the rows it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import url_for

from shared.jobs.states import JobKind, JobState
from shared.models.confidence import ASK
from shared.models.evaluation import wilson_interval
from shared.overview.figures import Bin, CategoryFigures, Done, VersionFigures, Window
from shared.tables import AliasChange
from web.pages.present.curves import Chart, LocalForm, TimeAxis, time_chart
from web.pages.present.moments import duration_text
from web.pages.present.words import category_label, percent

WINDOW_WORDS = {Window.DAY: "24 hours", Window.WEEK: "7 days", Window.MONTH: "30 days"}
BIN_WORDS = {
    Window.DAY: "hour (UTC), the last one is not over",
    Window.WEEK: "six hours (UTC), the last ones are not over",
    Window.MONTH: "day (UTC), the last one is not over",
}
# Under a chart there is room for five short words.
BIN_LABELS = {Window.DAY: "%H:%M", Window.WEEK: "%d %b", Window.MONTH: "%d %b"}
# Days are days of UTC: with the reader's date below it, a bin would name a day that is not the one it counts.
BIN_FORMS: dict[Window, LocalForm] = {Window.DAY: "hour", Window.WEEK: "day", Window.MONTH: ""}
# A mix that is further off than this in one category is worth a look, unless it may be chance.
FAR_OFF = 0.1
# One photo of an empty start, or two, are no mix yet.
FEW = 10
MEDIAN, SLOW = 0.5, 0.95


@dataclass(frozen=True, slots=True)
class Counted:
    """A number, and where its rows are; none for nothing."""

    text: str
    address: str | None


@dataclass(frozen=True, slots=True)
class FigureCard:
    """A figure at the head of the page."""

    title: str
    value: str
    note: str
    address: str


@dataclass(frozen=True, slots=True)
class BinRow:
    """What was done in one bin. `changed` names the version that became champion in it."""

    since: datetime
    answered: Counted
    failed: Counted
    quarantined: Counted
    median: str
    slow: str
    changed: list[int]


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One category. `bar` and `mark` are its share of answers and of training photos, 100 at the most."""

    label: str
    answered: Counted
    mix: str
    trained_mix: str
    bar: float
    mark: float | None
    far_off: bool
    asked: Counted
    asked_share: str
    decided: Counted
    corrected: Counted
    corrected_share: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """What one version answered."""

    number: int
    answered: Counted
    asked: Counted
    asked_share: str


def figure_cards(done: Done) -> list[FigureCard]:
    """The four figures to look at first."""
    total, window = done.total, WINDOW_WORDS[done.window]
    median, slow = total.wait_seconds(MEDIAN), total.wait_seconds(SLOW)
    decided, corrected = sum(row.decided for row in done.categories), _corrected(done)
    answers = total.given.total()
    return [
        FigureCard("Photos answered", f"{total.answered:,}", f"in {window}", _answered(done.since)),
        FigureCard(
            "Answered within",
            _seconds(median),
            f"the middle one; 95\u00a0% within {_seconds(slow)}" if slow else "no photo was looked at",
            _answered(done.since),
        ),
        FigureCard(
            "Left to sellers",
            percent(_share(total.asked, answers)),
            f"{total.asked:,} of {answers:,} answers asked",
            _answered(done.since, decision=ASK),
        ),
        FigureCard(
            "Corrected by sellers",
            percent(_share(corrected, decided)),
            f"{corrected:,} of {decided:,} decided listings",
            _listings(done.since, choice="corrected"),
        ),
    ]


def charts(done: Done) -> list[Chart]:
    """Throughput and latency, with lines where the champion changed; none where nothing was done."""
    if not done.total.ended:
        return []
    moments = [one.since for one in done.bins]
    labels = [moment.strftime(BIN_LABELS[done.window]) for moment in moments]
    axis = TimeAxis(BIN_WORDS[done.window], labels, moments, BIN_FORMS[done.window])
    changes = [(_position(done, one), one.after) for one in done.changes if one.after is not None]
    tallies = [one.tally for one in done.bins]
    counts = {
        "Answered": [float(tally.answered) for tally in tallies],
        "Failed": [float(tally.failed) for tally in tallies],
    }
    waits = {
        "Middle one": [tally.wait_seconds(MEDIAN) for tally in tallies],
        "95 % within": [tally.wait_seconds(SLOW) for tally in tallies],
    }
    return [
        time_chart("Photos", axis, counts, changes),
        time_chart("Seconds until the answer", axis, waits, changes),
    ]


def bin_rows(done: Done) -> list[BinRow]:
    """What the charts show, newest first, without bins in which nothing happened."""
    rows = [_bin_row(one, done.changes) for one in reversed(done.bins)]
    return [
        row
        for row in rows
        if row.changed or any(cell.address for cell in (row.answered, row.failed, row.quarantined))
    ]


def category_rows(done: Done) -> list[CategoryRow]:
    """Every category, by name; none while nothing was answered or decided.

    The longest bar or the farthest mark reaches to the end of the scale.
    """
    if not any(row.answered or row.decided for row in done.categories):
        return []
    scale = max((max(row.mix or 0, row.trained_mix or 0) for row in done.categories), default=0) or 1
    return [_category_row(row, done, scale) for row in done.categories]


def version_rows(done: Done) -> list[VersionRow]:
    """Every version that answered, newest first."""
    return [_version_row(row, done.since) for row in reversed(done.versions)]


def _bin_row(one: Bin, changes: Sequence[AliasChange]) -> BinRow:
    tally, ended = one.tally, {"ended_from": _hour(one.since), "ended_before": _hour(one.until)}
    return BinRow(
        since=one.since,
        answered=_counted(tally.answered, _jobs(state=JobState.SUCCEEDED, **ended)),
        failed=_counted(tally.ended[JobState.FAILED.value], _jobs(state=JobState.FAILED, **ended)),
        quarantined=_counted(
            tally.ended[JobState.QUARANTINED.value], _jobs(state=JobState.QUARANTINED, **ended)
        ),
        median=_seconds(tally.wait_seconds(MEDIAN)),
        slow=_seconds(tally.wait_seconds(SLOW)),
        changed=[
            change.after
            for change in changes
            if change.after is not None and one.since <= change.created_at < one.until
        ],
    )


def _is_far_off(row: CategoryFigures, answers: int) -> bool:
    """Whether a category is given far more or less often than it was learned from, beyond chance."""
    if answers < FEW or row.mix is None or row.trained_mix is None:
        return False
    if abs(row.mix - row.trained_mix) <= FAR_OFF:
        return False
    low, high = wilson_interval(row.answered, answers)
    return not low <= row.trained_mix <= high


def _category_row(row: CategoryFigures, done: Done, scale: float) -> CategoryRow:
    since = done.since
    return CategoryRow(
        label=category_label(row.category),
        answered=_counted(row.answered, _answered(since, category=row.category)),
        mix=percent(row.mix),
        trained_mix=percent(row.trained_mix),
        bar=round(100 * (row.mix or 0) / scale, 1),
        mark=round(100 * row.trained_mix / scale, 1) if row.trained_mix is not None else None,
        far_off=_is_far_off(row, sum(done.total.given.values())),
        asked=_counted(row.asked, _answered(since, category=row.category, decision=ASK)),
        asked_share=percent(_share(row.asked, row.answered)),
        decided=_counted(row.decided, _listings(since, suggested=row.category, choice="chosen")),
        corrected=_counted(row.corrected, _listings(since, suggested=row.category, choice="corrected")),
        corrected_share=percent(_share(row.corrected, row.decided)),
    )


def _version_row(row: VersionFigures, since: datetime) -> VersionRow:
    return VersionRow(
        number=row.version,
        answered=_counted(row.answered, _answered(since, model_version=row.version)),
        asked=_counted(row.asked, _answered(since, model_version=row.version, decision=ASK)),
        asked_share=percent(_share(row.asked, row.answered)),
    )


def _position(done: Done, change: AliasChange) -> float:
    """Where a change lies on the axis of bins, whose values stand in their middles."""
    width: timedelta = done.bins[0].until - done.bins[0].since
    at = (change.created_at - done.since) / width - 0.5
    return min(max(at, 0.0), len(done.bins) - 1.0)


def _corrected(done: Done) -> int:
    return sum(row.corrected for row in done.categories)


def _counted(count: int, address: str) -> Counted:
    return Counted(f"{count:,}", address if count else None)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _seconds(value: float | None) -> str:
    return duration_text(value)


def _hour(moment: datetime) -> str:
    """A whole hour in an address, short: there are hundreds of them on a page that has to stay light."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%HZ}"


def _answered(since: datetime, **filters: Any) -> str:
    return _jobs(state=JobState.SUCCEEDED, ended_from=_hour(since), **filters)


def _jobs(**filters: Any) -> str:
    return url_for("pages.jobs", kind=JobKind.CLASSIFY, **filters)


def _listings(since: datetime, **filters: Any) -> str:
    return url_for("pages.listings", whose="everybody", chosen_from=_hour(since), **filters)
