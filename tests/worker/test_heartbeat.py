"""Signs of life end with the worker that gave them."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from shared.database import Database
from shared.tables import WorkerHeartbeat
from worker import heartbeat as signs
from worker.heartbeat import Heartbeat


def _names(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(WorkerHeartbeat.name)))


def test_a_worker_that_ends_on_purpose_takes_its_row_away(database: Database) -> None:
    ending, other = Heartbeat(database, "predict@here:1"), Heartbeat(database, "train@here:2")
    ending.start()
    other.beat()
    assert sorted(_names(database)) == ["predict@here:1", "train@here:2"]
    ending.stop()
    assert _names(database) == ["train@here:2"]


def test_an_engine_that_is_loaded_only_at_the_end_puts_no_row_back(database: Database) -> None:
    heartbeat = Heartbeat(database, "predict@here:1")
    heartbeat.start()
    heartbeat.stop()
    heartbeat.describe("openvino", "CPU", "", 1)
    assert _names(database) == []


def test_a_beat_that_is_under_way_at_the_end_puts_no_row_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signs, "INTERVAL_SECONDS", 0.01)
    measuring, stopped = threading.Event(), threading.Event()
    beating: list[threading.Thread] = []

    def measure() -> None:
        beating.append(threading.current_thread())
        measuring.set()
        assert stopped.wait(30)

    heartbeat = Heartbeat(database, "train@here:1", gpu=measure)
    heartbeat.start()
    assert measuring.wait(30)
    heartbeat.stop()
    stopped.set()
    beating[0].join(30)
    assert not beating[0].is_alive()
    assert _names(database) == []
