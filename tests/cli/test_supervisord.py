"""The process manager with real programs: deaths are told and mended, and nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.processes import wait_until

SECONDS = 30
CONFIG = """[supervisord]
nodaemon=true
silent=true
logfile={folder}/log
pidfile={folder}/pid
[program:first]
command={python} -c "import time; time.sleep(600)"
autorestart=true
startsecs=0
[program:second]
command={python} -c "import time; time.sleep(600)"
autorestart=true
startsecs=0
"""
# A parent in between, so that it can be killed as `hangtag run` might be.
STARTER = (
    "import os, subprocess, sys; "
    "subprocess.Popen([sys.executable, '-m', 'cli.start.supervisord', sys.argv[1], str(os.getpid())]).wait()"
)


class Manager:
    """A process manager under a parent of its own, and what it tells."""

    def __init__(self, folder: Path) -> None:
        config = folder / "conf"
        config.write_text(CONFIG.format(folder=folder, python=sys.executable))
        self.parent = subprocess.Popen([sys.executable, "-c", STARTER, config], stdout=subprocess.PIPE)
        assert self.parent.stdout is not None
        self._lines = iter(self.parent.stdout)

    def wait_for(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next change for which `holds`; earlier ones are passed over."""
        return next(change for change in map(json.loads, self._lines) if holds(change))

    def running(self, *names: str) -> dict[str, psutil.Process]:
        """Wait until these programs run."""
        found: dict[str, psutil.Process] = {}
        while set(names) - set(found):
            change = self.wait_for(lambda change: change["state"] == "running")
            found[change["process"]] = psutil.Process(change["pid"])
        return found

    @property
    def process(self) -> psutil.Process:
        """The process manager itself."""
        return psutil.Process(self.parent.pid).children()[0]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A running process manager, gone after the test whatever happened."""
    started = Manager(tmp_path)
    family = psutil.Process(started.parent.pid)
    known: list[psutil.Process] = []
    try:
        known = list(started.running("first", "second").values())
        yield started
    finally:
        known += family.children(recursive=True) if family.is_running() else []
        for process in known:
            if process.is_running():
                process.kill()
        started.parent.kill()
        started.parent.wait(SECONDS)
        assert started.parent.stdout is not None
        started.parent.stdout.close()


def test_a_child_that_dies_is_told_of_and_started_again(manager: Manager) -> None:
    victim = manager.process.children()[0]
    victim.kill()
    told = manager.wait_for(lambda change: change["state"] == "exited")
    (again,) = manager.running(told["process"]).values()
    assert again.pid != victim.pid


def test_a_stop_ends_all_children_and_the_manager(manager: Manager) -> None:
    family = [manager.process, *manager.process.children()]
    manager.process.terminate()
    wait_until(lambda: not any(process.is_running() for process in family), SECONDS, "all processes end")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of it")
def test_nobody_outlives_a_parent_that_was_killed(manager: Manager) -> None:
    family = [manager.process, *manager.process.children()]
    os.kill(manager.parent.pid, signal.SIGKILL)
    wait_until(lambda: not any(process.is_running() for process in family), SECONDS, "all processes end")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of it")
def test_nobody_outlives_a_manager_that_was_killed(manager: Manager) -> None:
    children = manager.process.children()
    manager.process.kill()
    wait_until(lambda: not any(process.is_running() for process in children), SECONDS, "all children end")
