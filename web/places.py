"""Places in a web process for what holds a thread or much disk: so many in all, so many per person."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from flask import g

from shared.errors import HangtagError


class Places:
    """The places of one kind. `full` is raised where none is left, `own_full` where one person has theirs."""

    def __init__(
        self, most: int, most_per_person: int, full: type[HangtagError], own_full: type[HangtagError]
    ) -> None:
        self._most, self._most_per_person = most, most_per_person
        self._full, self._own_full = full, own_full
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, person_id: str) -> Callable[[], None]:
        """Take a place. Returns what gives it back; calling that again does nothing.

        Raises:
            HangtagError: the person, or the process, has no place left.
        """
        with self._lock:
            if self._taken[person_id] >= self._most_per_person:
                raise self._own_full
            if self._taken.total() >= self._most:
                raise self._full
            self._taken[person_id] += 1
        given_back = threading.Event()

        def give_back() -> None:
            with self._lock:
                if not given_back.is_set():
                    given_back.set()
                    self._taken[person_id] -= 1
                    if not self._taken[person_id]:
                        del self._taken[person_id]

        return give_back

    def take_for_request(self, person_id: str) -> None:
        """Take a place until the present request has been answered.

        Raises:
            HangtagError: the person, or the process, has no place left.
        """
        g.setdefault("places", []).append(self.take(person_id))


def give_back_all(_error: BaseException | None = None) -> None:
    """Give back what the present request has taken; called when it has been answered."""
    for give_back in g.pop("places", []):
        give_back()
