"""NAME=VALUE arguments of the commands that train."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from shared.errors import SettingsError

NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
RANGE = re.compile(rf"(?P<low>{NUMBER})\.\.(?P<high>{NUMBER})(?P<log>:log)?", re.IGNORECASE)


def changes(pairs: Iterable[str]) -> dict[str, Any]:
    """NAME=VALUE texts as a mapping; values are numbers where they look like numbers.

    Raises:
        SettingsError: a text has no equals sign.
    """
    return {
        name: _value(raw) for name, raw in (_split(pair, "--set", "learning_rate=0.001") for pair in pairs)
    }


def choices(pairs: Iterable[str]) -> dict[str, Any]:
    """NAME=A,B,C as lists, NAME=LOW..HIGH and NAME=LOW..HIGH:log as ranges.

    Raises:
        SettingsError: a text has no equals sign.
    """
    return {
        name: _choice(raw)
        for name, raw in (_split(pair, "--over", "learning_rate=0.001,0.01") for pair in pairs)
    }


def _split(pair: str, option: str, example: str) -> tuple[str, str]:
    name, separator, raw = pair.partition("=")
    if not separator:
        raise SettingsError(f"{option} takes NAME=VALUE, for example {option} {example}, not {pair!r}.")
    return name.strip(), raw.strip()


def _choice(raw: str) -> Any:
    match = RANGE.fullmatch(raw)
    if match is None:
        return [_value(part.strip()) for part in raw.split(",")]
    scale = "log" if match["log"] else "linear"
    return {"low": float(match["low"]), "high": float(match["high"]), "scale": scale}


def _value(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw
