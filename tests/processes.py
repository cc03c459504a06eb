"""Waiting for real processes, and looking at many of them while some may end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

import psutil

PAUSE_SECONDS = 0.05
Answer = TypeVar("Answer")


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Return once `condition` holds.

    Raises:
        TimeoutError: it did not within `seconds`; `what` says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds} s in vain for: {what}.")
        time.sleep(PAUSE_SECONDS)


def asked(
    processes: Iterable[psutil.Process], question: Callable[[psutil.Process], Answer]
) -> Iterator[tuple[psutil.Process, Answer]]:
    """Each process with its answer; one that has ended meanwhile gives none."""
    for process in processes:
        with suppress(psutil.Error):
            yield process, question(process)


def with_command(processes: Iterable[psutil.Process], part: str) -> list[psutil.Process]:
    """Those with this in their command line."""
    lines = asked(processes, psutil.Process.cmdline)
    return [process for process, words in lines if part in " ".join(words)]
