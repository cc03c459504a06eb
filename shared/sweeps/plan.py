"""What a sweep tries: every combination, a random sample, or successive halving over any hyper-parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.errors import ValidationError
from shared.models.hyperparameters import HyperParameters
from shared.models.parameter_fields import ParametersError, fields_of

# Each takes seconds and a row; a finer grid than this mostly finds the luckiest of equals.
MAX_TRIALS = 200
MAX_VALUES = 50
# Beyond every hyper-parameter's bounds, and small enough to draw between.
FARTHEST = 1e10
# Draws that repeat each other are drawn again; a small space may not hold as many as were asked for.
DRAWS_PER_TRIAL = 50

Strategy = Literal["grid", "random", "halving"]


class Range(BaseModel):
    """Values between `low` and `high`; on a log scale 0.001 to 0.01 is as likely as 0.01 to 0.1."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: float = Field(ge=-FARTHEST, le=FARTHEST)
    high: float = Field(ge=-FARTHEST, le=FARTHEST)
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.low >= self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError("A range needs low below high, and on a log scale both above 0.")
        return self

    def draw(self, random: np.random.Generator) -> float:
        """One value."""
        if self.scale == "log":
            return float(math.exp(random.uniform(math.log(self.low), math.log(self.high))))
        return float(random.uniform(self.low, self.high))


Values = list[float | int | str | bool] | Range


class SweepPlan(BaseModel):
    """Which trials a sweep consists of and how they compete.

    `over` maps names of hyper-parameters, dotted where they lie inside a part, to lists of values or ranges.
    Successive halving (Jamieson and Talwalkar 2016) trains all trials for `first_epochs`, keeps the best of
    every `factor`, trains those for `factor` times as many epochs, and so on up to their own number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Strategy = Field("grid", title="Strategy", description="How the trials are chosen.")
    over: dict[str, Values] = Field(
        title="Over", description="Name of a hyper-parameter -> list of values, or a range with low and high."
    )
    samples: int = Field(
        20, ge=1, le=MAX_TRIALS, title="Samples", description="Trials to draw; 'grid' takes all there are."
    )
    seed: int = Field(42, ge=0, title="Seed of the draws")
    first_epochs: int = Field(3, ge=1, le=500, title="First epochs", description="Of halving's first round.")
    factor: int = Field(3, ge=2, le=10, title="Factor", description="Halving keeps one trial in so many.")

    def trials(self, base: HyperParameters) -> list[HyperParameters]:
        """The parameters of every trial, none twice.

        Raises:
            ParametersError: a name or value is none of the hyper-parameters'.
            ValidationError: there are too many trials, or some that a sweep cannot run.
        """
        self._check()
        points = self._grid() if self.strategy == "grid" or self._is_small() else self._sample()
        trials = [HyperParameters.from_values(base.flat() | point) for point in points]
        unique = list(dict.fromkeys(trials))
        require_runnable(unique)
        return unique

    def rungs(self, epochs: int) -> list[int]:
        """How many epochs each round gives the trials that are left, up to `epochs`."""
        if self.strategy != "halving":
            return [epochs]
        rungs = [self.first_epochs]
        while rungs[-1] < epochs:
            rungs.append(rungs[-1] * self.factor)
        return [min(rung, epochs) for rung in rungs]

    def survivors(self, trials: int, rung: int) -> int:
        """How many of so many trials go on after round `rung`, counted from 0."""
        return max(1, math.ceil(trials / math.pow(self.factor, rung + 1)))

    def _check(self) -> None:
        known = {field.name for field in fields_of(HyperParameters)}
        for name, values in self.over.items():
            if name not in known:
                HyperParameters.from_values({name: 0})  # its sentence names the parameter that was meant
            problem = _problem(values, self.strategy)
            if problem:
                raise ParametersError([{"field": f"over.{name}", "message": problem}])
        if not self.over:
            sentence = "Name at least one hyper-parameter to vary."
            raise ParametersError([{"field": "over", "message": sentence}])
        if self.strategy == "grid" and self._combinations() > MAX_TRIALS:
            raise ValidationError(
                f"This grid has {self._combinations()} trials; at most {MAX_TRIALS} are possible. "
                "Take fewer values, or the strategy 'random'."
            )

    def _combinations(self) -> float:
        return math.prod(math.inf if isinstance(v, Range) else len(v) for v in self.over.values())

    def _is_small(self) -> bool:
        return self._combinations() <= self.samples

    def _grid(self) -> Iterator[dict[str, Any]]:
        lists = [values for values in self.over.values() if not isinstance(values, Range)]
        return (dict(zip(self.over, point, strict=True)) for point in itertools.product(*lists))

    def _sample(self) -> list[dict[str, Any]]:
        random = np.random.default_rng(self.seed)
        whole = {field.name for field in fields_of(HyperParameters) if field.kind == "integer"}
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for _ in range(self.samples * DRAWS_PER_TRIAL):
            point = {name: _drawn(values, random, name in whole) for name, values in self.over.items()}
            found.setdefault(tuple(point.values()), point)
            if len(found) == self.samples:
                break
        return list(found.values())


def require_runnable(trials: list[HyperParameters]) -> None:
    """Check that a sweep can run these: one feature extraction per image size has to do for all of them.

    Raises:
        ValidationError: some fine-tune the network, or see other pictures in each epoch.
    """
    if any(trial.fine_tuning.from_block for trial in trials):
        raise ValidationError("A sweep trains heads only. Set 'Fine-tune from block' to 0.")
    if any(trial.augmentation.mode == "exact" for trial in trials):
        raise ValidationError(
            "A sweep keeps features for all its trials. Set the augmentation to 'none' or 'views'."
        )


def _problem(values: Values, strategy: Strategy) -> str | None:
    """What is wrong with the values of one parameter."""
    if isinstance(values, Range):
        return (
            "A grid needs a list of values; ranges are for 'random' and 'halving'."
            if strategy == "grid"
            else None
        )
    if not 1 <= len(values) <= MAX_VALUES:
        return f"Give 1 to {MAX_VALUES} values."
    return None


def _drawn(values: Values, random: np.random.Generator, whole: bool) -> Any:
    if isinstance(values, Range):
        value = values.draw(random)
        return round(value) if whole else value
    return values[int(random.integers(len(values)))]


@dataclass(frozen=True, slots=True)
class SweepPreset:
    """Trials that somebody published, and a sentence about them."""

    title: str
    sentence: str
    trials: tuple[HyperParameters, ...]


def _published(
    base: Mapping[str, Any], name: str, values: list[float | int | str | bool]
) -> tuple[HyperParameters, ...]:
    first = HyperParameters(image_size=150, patience=0, **base)
    return tuple(SweepPlan(over={name: values}).trials(first))


_RATES = _published(
    {"hidden_units": 0, "dropout": 0, "epochs": 10}, "learning_rate", [0.0001, 0.001, 0.01, 0.1]
)
_SIZES = _published({"learning_rate": 0.001, "dropout": 0, "epochs": 10}, "hidden_units", [10, 100, 1000])
_DROPOUTS = _published(
    {"learning_rate": 0.001, "hidden_units": 100, "epochs": 30}, "dropout", [0, 0.2, 0.5, 0.8]
)
SWEEP_PRESETS: Mapping[str, SweepPreset] = MappingProxyType(
    {
        "rates": SweepPreset("Rates", "Four learning rates, ten epochs each, as published.", _RATES),
        "sizes": SweepPreset(
            "Sizes", "Three sizes of the inner layer, ten epochs each, as published.", _SIZES
        ),
        "dropouts": SweepPreset("Dropouts", "Four dropouts, thirty epochs each, as published.", _DROPOUTS),
        "study": SweepPreset(
            "Published study",
            "All three published grids at 150 px: 11 trials, 190 epochs, one look at the photos.",
            (*_RATES, *_SIZES, *_DROPOUTS),
        ),
    }
)
