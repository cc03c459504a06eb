"""Silences that count after seconds, so that no test waits for the real ones."""

from __future__ import annotations

from shared.jobs import store, upkeep
from shared.jobs.states import JobKind

# Still several times what a batch of 71 px photos takes on two busy cores.
LEASE_SECONDS = 8
REDISPATCH_SECONDS = 4


def set_short_times() -> None:
    """Called first thing by a process under test."""
    store.LEASE_SECONDS[JobKind.CLASSIFY] = LEASE_SECONDS
    upkeep.REDISPATCH_SECONDS = REDISPATCH_SECONDS
