"""A planned stop: the parent is told by Celery and tells its children."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from celery import signals

from worker.stopping import PlannedStop, WorkerStoppingError, pass_on_stops

CHILD = """
import time
from worker.stopping import PlannedStop
stop = PlannedStop()
stop.listen()
print("listening", flush=True)
while not stop.requested:
    time.sleep(0.01)
print("asked", flush=True)
"""

# Whoever waits for an event holds its lock for a moment.
WAITS = """
import signal
from worker.stopping import stop_on_signal
stop = stop_on_signal()
with stop._cond:
    signal.raise_signal(signal.SIGTERM)
stop.wait()
print("stopped")
"""


class WorkerOf:
    """What Celery sends along: a worker that has a pool, which knows its processes."""

    def __init__(self, processes: list[int]) -> None:
        self.pool = SimpleNamespace(info={"processes": processes})


def test_nothing_stops_until_it_is_asked_to() -> None:
    stop = PlannedStop()
    stop.check()
    assert not stop.requested


def test_once_asked_a_check_says_so() -> None:
    stop = PlannedStop()
    stop.request()
    assert stop.requested
    with pytest.raises(WorkerStoppingError, match="another one goes on"):
        stop.check()


def test_a_worker_that_is_asked_to_stop_tells_each_of_its_children() -> None:
    pass_on_stops()
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(30)
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "listening\n"
        signals.worker_init.send(sender=WorkerOf([gone.pid, *(child.pid for child in children)]))
        signals.worker_shutting_down.send(sender="train@here", sig="SIGTERM", how="Warm", exitcode=0)
        assert [child.communicate(timeout=30)[0] for child in children] == ["asked\n"] * 2
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_a_signal_that_comes_just_when_somebody_begins_to_wait_for_it_is_heard() -> None:
    command = [sys.executable, "-c", WAITS]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert seen.stdout == "stopped\n"
