"""Python imports this at its start, in children too, when its folder is on PYTHONPATH.

The wall clock of the process, `time.time` and `shared.clock`, then differs from the machine's by the seconds
in the file that CLOCK_OFFSET_FILE names, read anew each time. What only counts is left alone, as when
somebody sets the clock of a machine. (libfaketime 0.9.10 cannot do that: Python's sleep fails under it.)
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import shared.clock

OFFSET = Path(os.environ["CLOCK_OFFSET_FILE"])
machine_time = time.time


def _offset() -> float:
    return float(OFFSET.read_text())


class SetDatetime(datetime):
    """A `datetime` whose present moment is by the set clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The present moment."""
        return datetime.now(tz) + timedelta(seconds=_offset())


time.time = lambda: machine_time() + _offset()
shared.clock.datetime = SetDatetime  # type: ignore[attr-defined]
