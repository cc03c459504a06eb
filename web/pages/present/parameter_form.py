"""The hyper-parameters as a form: groups of fields with their values and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from shared.models.hyperparameters import HyperParameters
from shared.models.parameter_fields import ParameterField, fields_of

# What most trainings are about; the other groups open when something in them differs from its default.
OPEN_GROUPS = ("Photos", "Learning", "Head")
FIELDS = fields_of(HyperParameters)


@dataclass(frozen=True, slots=True)
class FilledField:
    """A field, the value it shows, and the sentence below it if that value cannot be used."""

    field: ParameterField
    value: Any
    error: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together. `open` is False where they may stay folded."""

    title: str
    fields: list[FilledField]
    foldable: bool
    open: bool


def groups(values: Mapping[str, Any], errors: Mapping[str, str]) -> list[Group]:
    """All fields in their groups, with these values under dotted names."""
    filled = [
        FilledField(field, values.get(field.name, field.default), errors.get(field.name)) for field in FIELDS
    ]
    titles = dict.fromkeys(one.field.group for one in filled)
    return [_group(title, [one for one in filled if one.field.group == title]) for title in titles]


def sent_values(form: MultiDict[str, str]) -> dict[str, Any]:
    """What a person sent, under dotted names and not yet checked. A switch that is off is not sent."""
    return {
        field.name: field.name in form if field.kind == "switch" else form.get(field.name, "").strip()
        for field in FIELDS
    }


def _group(title: str, fields: list[FilledField]) -> Group:
    foldable = title not in OPEN_GROUPS
    changed = any(str(one.value) != str(one.field.default) or one.error for one in fields)
    return Group(title, fields, foldable, not foldable or changed)
