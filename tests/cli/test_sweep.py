"""`hangtag sweep`, and how curves look in a terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.assignments import choices
from cli.curves import sparkline
from shared.database import Database
from shared.datasets import store as datasets
from shared.errors import SettingsError
from shared.jobs import store
from shared.jobs.states import JobKind, Split, TrialState
from shared.sweeps import store as sweeps
from shared.sweeps.store import TrialMetrics
from shared.tables import Example, Job
from tests.cli.conftest import Command, Finisher
from tests.factories import CLASSES


@pytest.fixture
def dataset(server: str, database: Database) -> None:
    """A dataset version that can be trained on."""
    with database.write() as session:
        for place, (split, label) in enumerate((split, label) for split in Split for label in CLASSES):
            session.add(Example(digest=f"{place:064}", label=label, split=split, source="test"))
        datasets.freeze(session)


def _finish(session: Any, job: Job) -> None:
    """Every trial is better than the one before it."""
    for trial in sweeps.trials(session, job.id):
        metrics = TrialMetrics(
            val_accuracy=trial.number / 10,
            val_loss=1,
            interval=(0.1, 0.9),
            best_epoch=1,
            epochs=2,
            stop_reason="budget",
            seconds=1,
            curve=[0.1, 0.2],
        )
        sweeps.record(session, job.id, trial.number, TrialState.SUCCEEDED, metrics)
    result = {"model_version": 7, "test_accuracy": 0.9, "trials": 3, "trial": 3}
    store.succeed(session, job.id, job.attempt, result)


@pytest.mark.usefixtures("dataset")
def test_a_sweep_is_followed_to_its_ranked_table(command: Command, database: Database) -> None:
    with Finisher(database, JobKind.SWEEP, _finish).at_work():
        result = command("sweep", "--over", "dropout=0.1,0.2,0.5", "--watch")
    assert result.exit_code == 0
    assert [line.split()[:3] for line in result.stdout.splitlines()] == [
        ["rank", "trial", "dropout"],
        ["1", "3", "0.5"],
        ["2", "2", "0.2"],
        ["3", "1", "0.1"],
    ]
    assert "version 7" in result.stderr
    assert "promises too much" in result.stderr


@pytest.mark.usefixtures("dataset")
def test_a_published_sweep_needs_only_its_name_and_can_be_looked_at_later(command: Command) -> None:
    started = json.loads(command("sweep", "--preset", "rates", "--json").stdout)
    assert len(started["trials"]) == 4
    again = json.loads(command("sweep", "--show", started["job"]["id"], "--json").stdout)
    assert again["trials"] == started["trials"]


@pytest.mark.usefixtures("dataset")
def test_what_all_trials_share_starts_from_a_training_preset(command: Command) -> None:
    arguments = ("--over", "dropout=0..0.5", "--strategy", "random", "--samples", "5")
    result = command("sweep", *arguments, "--base", "quick", "--set", "epochs=4", "--json")
    trials = json.loads(result.stdout)["trials"]
    shared = {(trial["parameters"]["image_size"], trial["parameters"]["epochs"]) for trial in trials}
    assert (len(trials), shared) == (5, {(150, 4)})


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize("arguments", [(), ("--over", "dropout=7"), ("--preset", "everything")])
def test_a_sweep_that_cannot_be_is_refused_with_a_sentence(
    command: Command, arguments: tuple[str, ...]
) -> None:
    result = command("sweep", *arguments)
    assert result.exit_code == 2
    assert result.stderr.strip().endswith(".")


def test_values_and_ranges_are_told_apart() -> None:
    pairs = ["learning_rate=1e-4..0.1:log", "dropout=0..0.5", "augmentation.mode=none,views", "seed=1,2"]
    assert choices(pairs) == {
        "learning_rate": {"low": 0.0001, "high": 0.1, "scale": "log"},
        "dropout": {"low": 0.0, "high": 0.5, "scale": "linear"},
        "augmentation.mode": ["none", "views"],
        "seed": [1, 2],
    }


def test_a_choice_without_an_equals_sign_is_explained() -> None:
    with pytest.raises(SettingsError, match="NAME=VALUE"):
        choices(["dropout"])


def test_a_curve_in_text_rises_and_falls_with_its_numbers() -> None:
    assert sparkline([0, 0.5, 1, 0]) == "▁▅█▁"
    assert sparkline([3, 3]) == "▁▁"
    assert sparkline([]) == ""
    long = sparkline(list(range(100)), width=8)
    assert long == "▁▂▃▄▅▆▇█", "all of it is seen, not only its end"
