"""How long silences and outages last: seconds instead of the real ones, unless FAULTS=full."""

from __future__ import annotations

import os
from dataclasses import dataclass

import worker.heartbeat
import worker.lease
import worker.watchdog
from shared.jobs import store, upkeep
from shared.jobs.states import JobKind


@dataclass(frozen=True, slots=True)
class Times:
    """All in seconds."""

    photo_lease: int
    training_lease: int
    training_renewal: float
    redispatch: int
    heartbeat: float
    watchdog: float
    redis_down: float
    redis_frozen: float
    postgres_down: float
    worker_paused: float


# Leases are still several times what a batch of 71 px photos, or an epoch, takes on two busy cores.
SHORT = Times(
    photo_lease=8,
    training_lease=15,
    training_renewal=2,
    redispatch=4,
    heartbeat=2,
    watchdog=2,
    redis_down=2,
    redis_frozen=4,
    postgres_down=0,
    worker_paused=0,
)
# The times of the product, and the outages of the failure matrix.
FULL = Times(
    photo_lease=store.LEASE_SECONDS[JobKind.CLASSIFY],
    training_lease=store.LEASE_SECONDS[JobKind.TRAIN],
    training_renewal=worker.lease.RENEW_SECONDS,
    redispatch=upkeep.REDISPATCH_SECONDS,
    heartbeat=worker.heartbeat.INTERVAL_SECONDS,
    watchdog=worker.watchdog.LOOK_SECONDS,
    redis_down=60,
    redis_frozen=40,
    postgres_down=20,
    worker_paused=120,
)
IS_FULL = os.environ.get("FAULTS") == "full"
TIMES = FULL if IS_FULL else SHORT


def set_times() -> None:
    """Called first thing by a process under test."""
    store.LEASE_SECONDS[JobKind.CLASSIFY] = TIMES.photo_lease
    store.LEASE_SECONDS[JobKind.TRAIN] = TIMES.training_lease
    upkeep.REDISPATCH_SECONDS = TIMES.redispatch
    worker.lease.RENEW_SECONDS = TIMES.training_renewal
    worker.heartbeat.INTERVAL_SECONDS = TIMES.heartbeat
    worker.watchdog.LOOK_SECONDS = TIMES.watchdog
