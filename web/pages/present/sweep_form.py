"""The sweep form: rows of a hyper-parameter and its values, as texts, and the plan they mean."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError as InvalidFieldError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import MultiDict

from shared.models.parameter_fields import ParametersError
from shared.sweeps.plan import SweepPlan
from web.wrong_values import sentence_of

# More parameters at once than this make a grid nobody can read.
ROWS = 3
RANGE = re.compile(r"^(?P<low>\S+)\s+to\s+(?P<high>\S+?)(?P<log>\s*,?\s*log)?$")
NUMBERS = ("samples", "seed", "first_epochs", "factor")


@dataclass(frozen=True, slots=True)
class SweepFields:
    """The form as it is filled in: what all trials share, and what differs."""

    base: str
    strategy: str
    rows: list[tuple[str, str]]
    numbers: dict[str, str]
    register_all: bool


def sweep_fields(form: MultiDict[str, str]) -> SweepFields:
    """What a person filled in, or what the form begins with."""
    rows = [(form.get(f"name-{place}", ""), form.get(f"values-{place}", "").strip()) for place in range(ROWS)]
    if not form:
        rows[0] = ("learning_rate", "0.0001, 0.001, 0.01")
    defaults = {name: str(SweepPlan.model_fields[name].default) for name in NUMBERS}
    return SweepFields(
        base=form.get("base", "quick"),
        strategy=form.get("strategy", "grid"),
        rows=rows,
        numbers={name: form.get(name, text).strip() for name, text in defaults.items()},
        register_all="register_all" in form,
    )


def plan_of(fields: SweepFields) -> SweepPlan:
    """The plan these texts mean.

    Raises:
        ParametersError: a text means nothing, or a number is out of range; a sentence for each.
    """
    over = {name: _values(name, text) for name, text in fields.rows if name}
    try:
        return SweepPlan.model_validate({"strategy": fields.strategy, "over": over, **fields.numbers})
    except InvalidFieldError as error:
        found = [
            {"field": str(item["loc"][0]) if item["loc"] else "over", "message": _sentence(item)}
            for item in error.errors()
        ]
        raise ParametersError(found) from error


def _values(name: str, text: str) -> Any:
    """A list of values, or a range."""
    found = RANGE.match(text)
    if found:
        scale = "log" if found["log"] else "linear"
        return {"low": found["low"], "high": found["high"], "scale": scale}
    values = [_value(part.strip()) for part in text.split(",") if part.strip()]
    if not values:
        sentence = f"Name values of {name}, such as 0.001, 0.01, or a range such as 0.001 to 0.1 log."
        raise ParametersError([{"field": "over", "message": sentence}])
    return values


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text


def _sentence(item: ErrorDetails) -> str:
    place = " ".join(str(part) for part in item["loc"])
    return f"{place}: {sentence_of(item)}"
