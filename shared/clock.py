"""Time as Hangtag stores and prints it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, timezone-aware."""
    return datetime.now(UTC)


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC; one without a zone is taken for UTC.

    Raises:
        ValueError: in UTC it lies outside of the years 1 to 9999, which no calendar here has.
    """
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("It lies outside of the years 1 to 9999 in UTC.") from error


def rfc3339(moment: datetime | None) -> str | None:
    """A moment as RFC 3339 text in UTC with milliseconds, or None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
