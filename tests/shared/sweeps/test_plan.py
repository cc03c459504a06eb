"""What a sweep tries, and what it refuses to try."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError as InvalidFieldError

from shared.errors import ValidationError
from shared.models.hyperparameters import HyperParameters
from shared.models.parameter_fields import ParametersError
from shared.sweeps.plan import SWEEP_PRESETS, SweepPlan

BASE = HyperParameters()
RATES = {"low": 0.0001, "high": 0.1, "scale": "log"}


def plan(**wanted: Any) -> SweepPlan:
    return SweepPlan.model_validate(wanted)


def test_a_grid_has_every_combination_once() -> None:
    over = {"learning_rate": [0.1, 0.01], "augmentation.mode": ["none", "views"], "dropout": [0.2, 0.2]}
    trials = plan(over=over).trials(BASE)
    points = [(trial.learning_rate, trial.augmentation.mode) for trial in trials]
    assert points == [(0.1, "none"), (0.1, "views"), (0.01, "none"), (0.01, "views")]


def test_what_is_not_varied_comes_from_the_base() -> None:
    (trial,) = plan(over={"dropout": [0.5]}).trials(HyperParameters(image_size=150, seed=3))
    assert (trial.image_size, trial.seed, trial.dropout) == (150, 3, 0.5)


def test_random_draws_are_the_same_for_the_same_seed_and_none_comes_twice() -> None:
    over = {"learning_rate": RATES, "hidden_units": {"low": 10, "high": 1000}}
    trials = plan(strategy="random", over=over, samples=30).trials(BASE)
    assert trials == plan(strategy="random", over=over, samples=30).trials(BASE)
    assert trials != plan(strategy="random", over=over, samples=30, seed=1).trials(BASE)
    assert len(set(trials)) == 30
    assert all(0.0001 <= trial.learning_rate <= 0.1 for trial in trials)


def test_a_logarithmic_range_gives_every_power_of_ten_its_share() -> None:
    trials = plan(strategy="random", over={"learning_rate": RATES}, samples=200).trials(BASE)
    powers = [math.floor(math.log10(trial.learning_rate)) for trial in trials]
    assert all(45 <= powers.count(power) <= 90 for power in (-4, -3, -2))


def test_a_sample_of_a_small_space_is_the_whole_of_it() -> None:
    trials = plan(strategy="random", over={"dropout": [0.1, 0.2, 0.3]}, samples=20).trials(BASE)
    assert [trial.dropout for trial in trials] == [0.1, 0.2, 0.3]


def test_halving_gives_the_best_more_epochs_up_to_their_own_number() -> None:
    halving = plan(strategy="halving", over={"seed": [1]}, first_epochs=3, factor=3)
    assert halving.rungs(50) == [3, 9, 27, 50]
    assert halving.rungs(2) == [2]
    assert [halving.survivors(27, rung) for rung in range(4)] == [9, 3, 1, 1]


def test_without_halving_there_is_one_round() -> None:
    assert plan(over={"seed": [1]}).rungs(50) == [50]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"over": {}}, "at least one"),
        ({"over": {"learning_rat": [1]}}, "Did you mean learning_rate"),
        ({"over": {"dropout": [0.1, 2]}}, "Dropout must be a number"),
        ({"over": {"dropout": []}}, "1 to 50 values"),
        ({"over": {"dropout": {"low": 0, "high": 0.5}}}, "needs a list"),
        ({"over": {"fine_tuning.from_block": [0, 13]}}, "heads only"),
        ({"over": {"augmentation.mode": ["exact"]}}, "keeps features"),
        ({"over": {"seed": list(range(20)), "epochs": list(range(1, 20))}}, "380 trials; at most 200"),
    ],
)
def test_what_no_sweep_can_run_is_refused_with_a_sentence(wanted: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        plan(**wanted).trials(BASE)


def test_a_refused_name_is_shown_beside_its_field() -> None:
    with pytest.raises(ParametersError) as caught:
        plan(over={"dropout": []}).trials(BASE)
    assert caught.value.fields[0]["field"] == "over.dropout"


@pytest.mark.parametrize("values", [{"low": 1, "high": 0}, {"low": 0, "high": 1, "scale": "log"}])
def test_a_range_that_is_none_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidFieldError, match="low below high"):
        plan(strategy="random", over={"dropout": values})


def test_the_published_study_is_eleven_trials_and_190_epochs() -> None:
    trials = SWEEP_PRESETS["study"].trials
    assert (len(trials), sum(trial.epochs for trial in trials)) == (11, 190)
    assert {trial.image_size for trial in trials} == {150}
    assert [trial.learning_rate for trial in SWEEP_PRESETS["rates"].trials] == [0.0001, 0.001, 0.01, 0.1]
    assert [trial.hidden_units for trial in SWEEP_PRESETS["sizes"].trials] == [10, 100, 1000]
    assert [trial.dropout for trial in SWEEP_PRESETS["dropouts"].trials] == [0, 0.2, 0.5, 0.8]
