"""Whatever kills, freezes and forgets, at random but repeatably."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import redis

from shared.redis_server import client_url
from tests.faults.postgres import Postgres
from tests.live_system import LiveSystem

# Between two faults: some hit a system that is still getting over the one before, some a healthy one.
PAUSE_SECONDS = (2.0, 12.0)
# Longer than the longest time limit on a call to Redis.
FROZEN_SECONDS = (3.0, 12.0)
REDIS_SECONDS = 2.0


class Nemesis:
    """Does one fault after the other on a running `hangtag run` until it is told to stop."""

    def __init__(self, system: LiveSystem, seed: int, server: Postgres | None) -> None:
        self._system = system
        self._random = random.Random(seed)  # noqa: S311 - the same seed makes the same faults
        self._server = server
        self._stop = threading.Event()
        self.done: Counter[str] = Counter()
        self.frozen: list[tuple[float, float]] = []
        self._faults: dict[str, Callable[[], bool]] = {
            "prediction child killed": lambda: self._kill("worker-predict", "spawn_main"),
            "prediction worker killed": self._kill_worker,
            "web process killed": self._kill_web,
            "maintenance killed": lambda: self._kill("maintain", "worker.maintain"),
            "Redis flushed": self._flush,
            "Redis killed": lambda: self._kill("redis", "redis-server"),
            "Redis frozen": self._freeze,
        }
        if server is not None:
            self._faults["PostgreSQL restarted"] = self._restart
            self._faults["PostgreSQL process killed"] = self._kill_backend

    def run(self, seconds: float) -> None:
        """Do faults for so long. Leaves nothing frozen or stopped behind."""
        end = time.monotonic() + seconds
        for name in self._deck():
            if time.monotonic() > end or self._stop.wait(self._random.uniform(*PAUSE_SECONDS)):
                return
            if self._faults[name]():
                self.done[name] += 1
                sys.stdout.write(f"{time.strftime('%H:%M:%S')} {name}\n")
                sys.stdout.flush()

    def stop(self) -> None:
        """Begin no other fault."""
        self._stop.set()

    def _deck(self) -> Iterator[str]:
        """All faults in a random order, again and again: a short run meets each of them, too."""
        while True:
            names = sorted(self._faults)
            self._random.shuffle(names)
            yield from names

    def _processes(self, name: str, part: str) -> list[psutil.Process]:
        """The living processes of one program of the supervisor whose command contains `part`."""
        assert self._system.process is not None
        found = []
        for process in psutil.Process(self._system.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                # Redis writes its title over its environment, but there is only one.
                ours = name == "redis" or process.environ().get("SUPERVISOR_PROCESS_NAME") == name
                if ours and part in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def _kill(self, name: str, part: str) -> bool:
        killed = False
        for process in self._processes(name, part)[:1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
                killed = True
        return killed

    def _kill_worker(self) -> bool:
        """The Celery worker and its children, as when a machine loses power."""
        processes = self._processes("worker-predict", "")
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return bool(processes)

    def _kill_web(self) -> bool:
        """One of gunicorn's workers; its master stays."""
        gunicorns = self._processes("web", "gunicorn")
        pids = {process.pid for process in gunicorns}
        for process in gunicorns:
            with suppress(psutil.NoSuchProcess):
                if process.ppid() in pids:
                    process.kill()
                    return True
        return False

    def _flush(self) -> bool:
        url = client_url(self._system.settings)
        client = redis.Redis.from_url(
            url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=None
        )
        try:
            client.flushall()
        except redis.RedisError:
            return False
        finally:
            client.close()
        return True

    def _freeze(self) -> bool:
        for process in self._processes("redis", "redis-server")[:1]:
            began = time.monotonic()
            process.send_signal(signal.SIGSTOP)
            self._stop.wait(self._random.uniform(*FROZEN_SECONDS))
            process.send_signal(signal.SIGCONT)
            self.frozen.append((began, time.monotonic()))
            return True
        return False

    def _restart(self) -> bool:
        assert self._server is not None
        self._server.stop_at_once()
        self._stop.wait(self._random.uniform(0, FROZEN_SECONDS[0]))
        self._server.start()
        return True

    def _kill_backend(self) -> bool:
        assert self._server is not None
        killed = False
        if backends := self._server.backends("soak"):
            with suppress(psutil.NoSuchProcess):
                self._random.choice(backends).kill()
                killed = True
        return killed
