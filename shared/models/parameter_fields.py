"""The fields of a parameter object as a form shows them, and what is wrong with a value in a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic import ValidationError as InvalidFieldError
from pydantic.fields import FieldInfo

from shared.errors import ValidationError

Kind = Literal["integer", "number", "choice", "switch"]
KINDS: dict[type, Kind] = {bool: "switch", int: "integer", float: "number"}
# What a validator of ours raises reaches us with pydantic's prefix.
OURS = "value_error"


class ParametersError(ValidationError):
    """Some parameters cannot be used. `fields` holds a sentence for each of them."""

    def __init__(self, fields: list[dict[str, str]]) -> None:
        super().__init__(" ".join(field["message"] for field in fields))
        self.fields = fields


@dataclass(frozen=True, slots=True)
class ParameterField:
    """One value of a parameter object. `name` has a dot where the value lies inside a part of it.

    `low` and `high` are None for choices and switches; `open_low` and `open_high` say that the bound itself
    is not allowed. `choices` is empty for numbers and switches.
    """

    name: str
    title: str
    description: str
    group: str
    kind: Kind
    default: Any
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    choices: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Which values it takes: what somebody is told who sent another one."""
        if self.kind == "choice":
            return f"{self.title} must be one of {', '.join(self.choices)}."
        if self.kind == "switch":
            return f"{self.title} must be true or false."
        number = "a whole number" if self.kind == "integer" else "a number"
        low = f"{'above' if self.open_low else 'from'} {self.low:g}"
        high = f"{'below' if self.open_high else 'up to'} {self.high:.10g}"
        return f"{self.title} must be {number} {low} {high}."


def fields_of(model: type[BaseModel]) -> list[ParameterField]:
    """All values of a parameter object in their order, those of its parts under dotted names."""
    return list(_walk(model, ""))


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values under dotted names: `{"augmentation": {"zoom": 0.1}}` gives `augmentation.zoom`."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            result |= {f"{name}.{inner}": inside for inner, inside in value.items()}
        else:
            result[name] = value
    return result


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of `flat`. A value that stands where a part is needed is left to the validation."""
    result = {name: dict(v) if isinstance(v, Mapping) else v for name, v in values.items() if "." not in name}
    for name, value in values.items():
        part, dot, rest = name.partition(".")
        if dot and isinstance(inside := result.setdefault(part, {}), dict):
            inside[rest] = value
    return result


def problems_of(model: type[BaseModel], error: InvalidFieldError) -> ParametersError:
    """Pydantic's findings about values for `model`, a sentence for each field."""
    fields = {field.name: field for field in fields_of(model)}
    found: dict[str, str] = {}
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        if item["type"] == OURS:
            sentence = str(item["ctx"]["error"])
        elif name in fields:
            sentence = fields[name].sentence
        else:
            sentence = _no_such_field(name, fields)
        found.setdefault(_shown_at(name, fields), sentence)
    return ParametersError([{"field": name, "message": sentence} for name, sentence in found.items()])


def _walk(model: type[BaseModel], prefix: str) -> Iterator[ParameterField]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _walk(info.annotation, f"{prefix}{name}.")
        else:
            yield _field(prefix + name, info)


def _field(name: str, info: FieldInfo) -> ParameterField:
    bounds: dict[str, Any] = {}
    for item in info.metadata:
        match item:
            case annotated_types.Ge(ge=low):
                bounds["low"] = low
            case annotated_types.Gt(gt=low):
                bounds |= {"low": low, "open_low": True}
            case annotated_types.Le(le=high):
                bounds["high"] = high
            case annotated_types.Lt(lt=high):
                bounds |= {"high": high, "open_high": True}
    extra = info.json_schema_extra
    return ParameterField(
        name=name,
        title=info.title or name,
        description=info.description or "",
        group=str(extra["group"]) if isinstance(extra, dict) else "",
        kind=KINDS.get(info.annotation, "choice") if isinstance(info.annotation, type) else "choice",
        default=info.default,
        choices=get_args(info.annotation) if get_origin(info.annotation) is Literal else (),
        **bounds,
    )


def _no_such_field(name: str, fields: Mapping[str, ParameterField]) -> str:
    if any(field.startswith(f"{name}.") for field in fields):
        return f"{name} has several values; name them one by one, such as {_shown_at(name, fields)}."
    near = difflib.get_close_matches(name, fields, n=1)
    hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(fields)}."
    return f"There is no parameter called {name}.{hint}"


def _shown_at(name: str, fields: Mapping[str, ParameterField]) -> str:
    """The field of a form beside which to say it: for a part of the object its first one."""
    return next((field for field in fields if field == name or field.startswith(f"{name}.")), name)
