"""Words, figures and drawings made from values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared.jobs.states import JobKind, JobState
from shared.tables import Job, TrainingEpoch
from web.pages.present.curves import BOTTOM, LEFT, RIGHT, TOP, TimeAxis, line_chart, time_chart
from web.pages.present.evaluations import axis_floor, interval_text, whisker
from web.pages.present.moments import duration_text, moment_text
from web.pages.present.run_views import run_facts
from web.pages.present.words import STATE_WORDS, category_label, confidence, kind_word, percent


def test_every_state_and_kind_has_a_word() -> None:
    assert set(STATE_WORDS) == set(JobState)
    assert all(kind_word(kind) for kind in JobKind)


@pytest.mark.parametrize(
    ("probability", "decision", "word"),
    [
        (0.9, "suggest", "Sure"),
        (0.89, "suggest", "Likely"),
        (0.7, "suggest", "Likely"),
        (0.69, "suggest", "Please choose"),
        (0.99, "ask", "Please choose"),
    ],
)
def test_confidence_is_told_in_words(probability: float, decision: str, word: str) -> None:
    assert confidence(probability, decision).word == word


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [(0.944, 0, "94 %"), (0.9086, 1, "90.9 %"), (0.001, 0, "< 1 %"), (0.0, 0, "0 %"), (None, 0, "–")],
)
def test_shares_are_percentages(share: float | None, digits: int, text: str) -> None:
    assert percent(share, digits) == text


def test_categories_begin_with_a_capital() -> None:
    assert category_label("t-shirt") == "T-shirt"
    assert category_label("rain_coat") == "Rain coat"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0421, "42 ms"),
        (9.96, "10.0 s"),
        (61, "1 min 1 s"),
        (120, "2 min"),
        (3_700, "1 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text


def test_moments_are_told_in_utc_until_the_browser_knows_better() -> None:
    assert moment_text(datetime(2026, 3, 1, 9, 5, tzinfo=UTC)) == "1 Mar 2026, 09:05 UTC"


def test_a_chart_stays_inside_its_frame_and_ends_its_axis_at_round_numbers() -> None:
    chart = line_chart(
        "Loss", [1, 2, 3], {"Training": [2.13, 0.7, 0.41], "Validation": [2.2, float("nan"), 0.6]}
    )
    spots = [tuple(map(float, spot.split(","))) for line in chart.lines for spot in line.points.split()]
    assert len(spots) == 5
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in spots)
    assert [tick.text for tick in chart.y_ticks] == ["0", "0.5", "1", "1.5", "2", "2.5"]
    assert [tick.text for tick in chart.x_ticks] == ["1", "2", "3"]


def test_epochs_are_marked_at_round_numbers_behind_the_first() -> None:
    chart = line_chart("Loss", range(1, 265), {"Training": [1.0] * 264})
    assert [tick.text for tick in chart.x_ticks] == ["1", "50", "100", "150", "200", "250"]


@pytest.mark.parametrize(
    ("most", "marked"), [(1.0, ["0", "1"]), (2.0, ["0", "1", "2"]), (1.5, ["0", "0.5", "1", "1.5"])]
)
def test_what_is_counted_is_marked_at_whole_numbers(most: float, marked: list[str]) -> None:
    since = datetime(2026, 3, 1, 9, tzinfo=UTC)
    axis = TimeAxis("hour", ["09:00", "10:00"], [since, since + timedelta(hours=1)], "hour")
    chart = time_chart("Photos", axis, {"Answered": [0.0, most]})
    assert [tick.text for tick in chart.y_ticks] == marked


def labels_of(*changes: tuple[float, int]) -> list[tuple[str, bool]]:
    """What stands beside the changes of champion in a chart of a day, and whether it ends at its line."""
    since = datetime(2026, 3, 1, tzinfo=UTC)
    hours = [since + timedelta(hours=hour) for hour in range(24)]
    axis = TimeAxis("hour", [f"{hour:%H:%M}" for hour in hours], hours, "hour")
    chart = time_chart("Photos", axis, {"Answered": [1.0] * 24}, changes)
    assert len(chart.changes) == len(changes)
    spans = [
        sorted((label.at, label.at + (-9 if label.ends else 9) * len(label.text))) for label in chart.labels
    ]
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert all(left >= LEFT and right <= RIGHT for left, right in spans)
    return [(label.text, label.ends) for label in chart.labels]


def test_changes_of_champion_far_apart_are_named_each() -> None:
    assert labels_of((3, 2), (9, 3), (15, 12)) == [("v2", False), ("v3", False), ("v12", False)]


def test_changes_of_champion_close_together_share_a_name() -> None:
    assert labels_of((3, 2), (3.5, 5), (15, 3), (15.1, 4), (15.2, 3), (15.3, 6)) == [
        ("v2, v5", False),
        ("v3–v6", False),
    ]


def test_changes_of_champion_at_the_edge_are_named_before_it() -> None:
    assert labels_of((22.8, 2)) == [("v2", True)]
    assert labels_of((12, 4), (22, 5), (22.9, 6), (23, 7)) == [("v4", False), ("v5–v7", True)]
    crowd = [(hour / 4, 10 + hour) for hour in range(92)]
    assert labels_of(*crowd) == [("v10–v101", True)]


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.0, 0.0], [-1.0, 1.0], [1e-9, 2e-9], [1e6, 2e6]])
def test_any_values_make_a_chart(values: list[float]) -> None:
    chart = line_chart("Anything", [1, 2], {"Only": values})
    assert len(chart.y_ticks) >= 2


@pytest.mark.parametrize(
    ("state", "title"), [(JobState.RUNNING, "Best epoch so far"), (JobState.CANCELLED, "Best epoch")]
)
def test_the_best_epoch_is_only_of_so_far_while_others_may_follow(state: JobState, title: str) -> None:
    epoch = TrainingEpoch(job_id="1", epoch=3, accuracy=0.9, val_accuracy=0.8, loss=0.1, val_loss=0.2)
    facts = run_facts(Job(kind=JobKind.TRAIN, state=state), [epoch], None, {})
    assert facts == [(title, f"3, validation accuracy {percent(0.8, 1)}")]


def test_intervals_are_told_and_drawn() -> None:
    assert interval_text((0.875, 0.935), 1) == "87.5–93.5 %"
    drawn = whisker(0.9, (0.8, 1.0), floor=50)
    assert drawn is not None
    assert (drawn.low, drawn.at, drawn.high) == (60.0, 80.0, 100.0)
    assert axis_floor([(0.87, 0.9), None, (0.72, 0.8)]) == 60.0
    assert axis_floor([]) == 0.0
