"""The installation that benchmarks measure: Redis and single processes, started and ended by them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import redis

from benchmarks.free_port import free_port
from cli.processes import PROCESSES
from shared.clock import utc_now
from shared.database import Database
from shared.migrate import upgrade
from shared.redis_server import client_url, server_command
from shared.settings import Settings, load_settings
from worker.heartbeat import forget_silent

WAIT_SECONDS = 600.0
# Rare enough to take nothing from what is measured; a drain lasts many seconds.
POLL_SECONDS = 0.1
# What lies in the data folder of its own here, whatever the environment says.
OWN = ("HANGTAG_DATABASE_URL", "HANGTAG_BLOB_URL", "HANGTAG_REDIS_URL")


def copy_of(source: Path, folder: Path) -> Settings:
    """Settings for a copy, on SQLite, of the data folder `source`, which stays as it is."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("run", "logs", "checkpoints", "redis"))
    settings = new(folder)
    database = Database(settings.database_url)
    forget_silent(database, utc_now())  # workers of the source, which would be taken for ours
    database.close()
    return settings


def new(folder: Path) -> Settings:
    """Settings for an installation on SQLite with tables of today, empty ones unless the folder has some."""
    settings = _settings(folder)
    upgrade(settings)
    return settings


def _settings(folder: Path) -> Settings:
    for name in OWN:  # from here on: for this process and those that it starts
        os.environ.pop(name, None)
    os.environ["HANGTAG_PORT"] = str(free_port())
    os.environ["HANGTAG_DATA_DIR"] = str(folder)
    return load_settings()


@contextmanager
def redis_server(settings: Settings) -> Iterator[redis.Redis]:
    """The embedded Redis of this installation."""
    with _running(list(server_command(settings.data_dir)), settings, "redis"):
        client = redis.Redis.from_url(client_url(settings))
        wait_until(lambda: _answers(client), "Redis answers")
        yield client
        client.close()


@contextmanager
def process(settings: Settings, name: str) -> Iterator[psutil.Process]:
    """One process of `hangtag run` by its name."""
    found = next(process for process in PROCESSES if process.name == name)
    with _running([sys.executable, *found.command[1:]], settings, name, found.environment) as child:
        yield psutil.Process(child.pid)


@contextmanager
def _running(
    command: list[str], settings: Settings, name: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with (settings.data_dir / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=log, stderr=log)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not come true within these seconds.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"In vain waited for: {what}.")
        time.sleep(POLL_SECONDS)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
