"""Prometheus figures taken from the database at the moment they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import select

from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.models import registry
from shared.tables import WorkerHeartbeat


class DatabaseCollector(Collector):
    """Jobs, queues, champion and workers as gauges."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Nothing up front: asking the database at registration would only cost time."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        now = utc_now()
        with self._database.read() as session:
            counts = store.counts(session)
            waiting = store.waiting(session)
            champion = registry.champion(session)
            workers = session.scalars(select(WorkerHeartbeat)).all()
        jobs = GaugeMetricFamily("hangtag_jobs", "Jobs by kind and state", labels=["kind", "state"])
        for (kind, state), count in counts.items():
            jobs.add_metric([kind.value, state.value], count)
        yield jobs
        age = GaugeMetricFamily("hangtag_queue_age_seconds", "Age of the oldest waiting job", labels=["kind"])
        for kind in JobKind:
            oldest = waiting.get(kind, (0, None))[1]
            age.add_metric([kind.value], (now - oldest).total_seconds() if oldest else 0.0)
        yield age
        yield GaugeMetricFamily(
            "hangtag_champion_version",
            "Version that answers sellers; 0 for none",
            champion.number if champion else 0,
        )
        memory = GaugeMetricFamily(
            "hangtag_worker_resident_bytes", "Resident memory", labels=["worker", "kind"]
        )
        silence = GaugeMetricFamily(
            "hangtag_worker_silence_seconds", "Time since the last sign of life", labels=["worker", "kind"]
        )
        for worker in workers:
            memory.add_metric([worker.name, worker.kind], worker.resident_bytes)
            silence.add_metric([worker.name, worker.kind], (now - worker.seen_at).total_seconds())
        yield memory
        yield silence


def database_registry(database: Database) -> CollectorRegistry:
    """A registry of its own per scrape, so that two applications in one process never mix."""
    found = CollectorRegistry()
    found.register(DatabaseCollector(database))
    return found
