"""How long to wait before trying again."""

from __future__ import annotations

import random
from datetime import timedelta

MAX_BACKOFF_SECONDS = 300


def backoff(attempt: int, longest: int = MAX_BACKOFF_SECONDS) -> timedelta:
    """The wait after this many attempts: exponential, capped, jittered so that a crowd spreads out."""
    seconds = min(longest, 5 * 2**attempt)
    return timedelta(seconds=seconds * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, keeps no secret
