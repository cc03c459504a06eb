"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much it matters."""

    OK = "ok"
    WARN = "warn"  # it works, but not as well as it could; or it fell back to something
    BAD = "bad"  # photos are not answered, or soon will not be


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one thing, and a sentence that says what to do where there is something to do."""

    name: str
    level: Level
    sentence: str


def ok(name: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(name, Level.OK, sentence)


def warn(name: str, sentence: str) -> Finding:
    """It works, with a limp."""
    return Finding(name, Level.WARN, sentence)


def bad(name: str, sentence: str) -> Finding:
    """It does not work."""
    return Finding(name, Level.BAD, sentence)
