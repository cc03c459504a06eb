"""How a download tells its caller how far it is."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Receives the progress of one source: what it is, bytes so far, bytes in all (None: not known)."""

    def __call__(self, source: str, done_bytes: int, total_bytes: int | None) -> None: ...


def no_report(source: str, done_bytes: int, total_bytes: int | None) -> None:
    """For callers with nobody to tell."""
