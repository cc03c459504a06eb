"""Notes when the machine stood still, which is no fault of what is measured on it."""

from __future__ import annotations

import threading
import time

PAUSE_SECONDS = 0.05
# A busy machine lets a thread that only sleeps wait a little; this long only one that stands still.
NOTED_SECONDS = 0.5


class Stalls:
    """A thread that sleeps a little again and again, and notes when it was woken late."""

    def __init__(self) -> None:
        self._found: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stalls")

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stop.set()
        self._thread.join()

    def within(self, began: float, seconds: float) -> float:
        """How many of these seconds the machine stood still."""
        overlaps = (min(began + seconds, last) - max(began, first) for first, last in self._found)
        return sum(overlap for overlap in overlaps if overlap > 0)

    def _watch(self) -> None:
        due = time.monotonic() + PAUSE_SECONDS
        while not self._stop.wait(PAUSE_SECONDS):
            now = time.monotonic()
            if now - due > NOTED_SECONDS:
                self._found.append((due, now))
            due = now + PAUSE_SECONDS
