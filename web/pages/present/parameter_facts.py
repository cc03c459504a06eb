"""The hyper-parameters of a training as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.models.parameter_fields import flat
from web.pages.present.parameter_form import FIELDS
from web.pages.present.words import sentence_case

# Parts that are turned off by one value: without it the others of the same part say nothing.
TURNED_OFF = {"augmentation": ("mode", "none"), "fine_tuning": ("from_block", 0)}
# Counts in one mode only.
VIEWS = "augmentation.views"


def parameter_facts(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Titles and values, without those of parts that are turned off."""
    values = flat(parameters)
    titles = {field.name: field.title for field in FIELDS}
    return [
        (titles.get(name, sentence_case(name)), str(value))
        for name, value in values.items()
        if _matters(name, values)
    ]


def _matters(name: str, values: Mapping[str, Any]) -> bool:
    part, dot, inner = name.partition(".")
    if not dot or part not in TURNED_OFF:
        return True
    switch, off = TURNED_OFF[part]
    if inner == switch:
        return True
    if name == VIEWS and values.get("augmentation.mode") != "views":
        return False
    return bool(values.get(f"{part}.{switch}", off) != off)
