"""Moments and durations as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def moment_text(moment: datetime) -> str:
    """A moment in UTC; a script on the page turns it into the reader's own time zone."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def duration_text(seconds: float | None) -> str:
    """A duration in at most two units; a dash when it is not known yet."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return _two_units(round(seconds))


def between(start: datetime | None, end: datetime | None) -> float | None:
    """The seconds from one moment to another, if both are known."""
    return (end - start).total_seconds() if start is not None and end is not None else None


def _two_units(seconds: int) -> str:
    if seconds < HOUR:
        return _pair(seconds // MINUTE, "min", seconds % MINUTE, "s")
    if seconds < DAY:
        return _pair(seconds // HOUR, "h", seconds % HOUR // MINUTE, "min")
    return _pair(seconds // DAY, "d", seconds % DAY // HOUR, "h")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"
