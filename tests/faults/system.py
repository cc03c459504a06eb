"""An installation whose processes are started one by one, so that a test kills exactly what it means."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import redis
from sqlalchemy import make_url, select

from benchmarks.free_port import free_port
from cli.processes import PROCESSES
from shared import accounts
from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets.importing import import_folder
from shared.errors import HangtagError
from shared.jobs import store
from shared.jobs.states import TERMINAL, JobState, Split
from shared.migrate import upgrade
from shared.redis_server import client_url, server_command
from shared.settings import Settings, load_settings
from shared.tables import Job, WorkerHeartbeat
from tests.factories import add_champion, add_key, add_user, picture
from tests.faults.times import IS_FULL
from tests.processes import wait_until

# Importing a worker's libraries and loading a 71 px engine, on two busy cores.
START_SECONDS = 90
ENDED_SECONDS = 300 if IS_FULL else 90
# The same commands as in cli.processes, but for the times after which a silence counts.
OUR_MODULES = {
    "worker.predict_app": "tests.faults.predict_app",
    "worker.train_app": "tests.faults.train_app",
    "worker.maintain": "tests.faults.maintain",
}


@dataclass
class System:
    """A data folder with a champion, and the processes that a test has started on it."""

    env: dict[str, str]
    key: str = ""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """What its processes read."""
        return load_settings(self.env)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.env['HANGTAG_PORT']}"

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Its database, seen past its processes."""
        opened = Database(self.settings.database_url)
        try:
            yield opened
        finally:
            opened.close()

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        """Its Redis, with times after which we give up."""
        url = client_url(self.settings)
        client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, retry=None)
        try:
            yield client
        finally:
            client.close()

    @contextmanager
    def api(self, seconds: float = 40) -> Iterator[httpx.Client]:
        """A program that may do everything."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=seconds) as client:
            yield client

    def start(self, *names: str) -> None:
        """Start processes of cli.processes, or Redis, unless they run; wait until they do their work."""
        missing = [name for name in names if not self.alive(name)]
        for name in missing:
            self.launch(name, self.command(name))
        self.wait_for(*missing)

    @contextmanager
    def supervised(self, name: str) -> Iterator[None]:
        """Start a process anew whenever it ends, as `hangtag run` does."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.5):
                if not self.alive(name):
                    self.launch(name, self.command(name))

        thread = threading.Thread(target=watch, name=f"supervise-{name}")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def wait_for(self, *names: str) -> None:
        """Wait until processes that were launched do their work."""
        for name in names:
            wait_until(lambda name=name: self._works(name), START_SECONDS, f"{name} works")  # type: ignore[misc]

    def command(self, name: str) -> list[str]:
        """The command line of a process."""
        if name == "redis":
            return server_command(self.settings.data_dir)
        found = next(process for process in PROCESSES if process.name == name)
        words = [OUR_MODULES.get(word, word) for word in found.command]
        return [sys.executable, *words[1:]]

    def launch(self, name: str, command: list[str], **env: str) -> None:
        """Start a command under a name, in a process group of its own."""
        extra = next((process.environment for process in PROCESSES if process.name == name), {})
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                env={**os.environ, **extra, **self.env, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        """What a process has printed."""
        return self.settings.data_dir / f"{name}.log"

    def alive(self, name: str) -> bool:
        """Whether it runs."""
        return name in self.running and self.running[name].poll() is None

    def kill(self, *names: str) -> None:
        """SIGKILL to each whole group."""
        for name in names:
            self.signal(name, signal.SIGKILL)
            self.running.pop(name).wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """A signal to a whole group."""
        os.killpg(self.running[name].pid, number)

    def children(self, name: str) -> list[psutil.Process]:
        """The processes that do the work: spawned or forked children that live."""
        found = psutil.Process(self.running[name].pid).children()
        alive = [child for child in found if child.status() != psutil.STATUS_ZOMBIE]
        return [child for child in alive if "semaphore_tracker" not in " ".join(child.cmdline())]

    @contextmanager
    def frozen_child(self, name: str) -> Iterator[None]:
        """Freeze the one child of a worker for a while."""
        (child,) = self.children(name)

        def frozen() -> bool:
            child.suspend()
            if self.can_write():
                return True
            child.resume()
            return False

        wait_until(frozen, 30, f"the child of {name} is met outside a write")
        try:
            yield
        finally:
            child.resume()

    def can_write(self) -> bool:
        """Whether no frozen process has locked the database: on SQLite one in the middle of a write would."""
        path = make_url(self.settings.database_url).database
        if not self.settings.database_url.startswith("sqlite") or path is None:
            return True
        connection = sqlite3.connect(path, timeout=1, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        return True

    def close(self) -> None:
        """Kill whatever runs."""
        for process in self.running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.running.clear()

    def upload(
        self, photo: int | bytes, key: str | None = None, client: httpx.Client | None = None
    ) -> httpx.Response:
        """Send one photo; every number is another one."""
        data = photo if isinstance(photo, bytes) else picture(photo)
        files = {"photo": ("a.jpg", data, "image/jpeg")}
        headers = {"Idempotency-Key": key} if key else {}
        if client is not None:
            return client.post("/api/v1/classifications", files=files, headers=headers)
        with self.api() as opened:
            return opened.post("/api/v1/classifications", files=files, headers=headers)

    def accept(self, photos: Iterable[int | bytes]) -> list[str]:
        """Send photos that are all accepted. Returns the ids of their jobs."""
        with self.api() as client:
            answers = [self.upload(photo, client=client) for photo in photos]
        assert {answer.status_code for answer in answers} == {202}
        return [str(answer.json()["job"]["id"]) for answer in answers]

    def jobs(self, ids: Iterable[str]) -> list[Job]:
        """The rows of jobs."""
        with self.database() as database, database.read() as session:
            return list(session.scalars(select(Job).where(Job.id.in_(list(ids)))))

    def ended(self, ids: list[str], seconds: float = ENDED_SECONDS) -> list[Job]:
        """The jobs once they all have ended."""
        wait_until(lambda: self._all_ended(ids), seconds, f"all of {len(ids)} jobs end")
        return self.jobs(ids)

    def outcomes(self, job_id: str) -> list[str | None]:
        """How the attempts of a job went."""
        with self.database() as database, database.read() as session:
            return [attempt.outcome for attempt in store.attempts(session, job_id)]

    def count(self, ids: list[str], state: JobState) -> int:
        """How many of these jobs are in a state."""
        return sum(job.state is state for job in self.jobs(ids))

    def _all_ended(self, ids: list[str]) -> bool:
        try:
            return all(job.state in TERMINAL for job in self.jobs(ids))
        except HangtagError:
            return False  # the database may be what is being killed

    def _works(self, name: str) -> bool:
        if not self.alive(name):
            raise RuntimeError(f"{name} ended at once:\n{self.log(name).read_text()[-4000:]}")
        if name == "redis":
            return self._redis_answers()
        if name == "web":
            return self._web_answers()
        return self._beats(name)

    def _redis_answers(self) -> bool:
        try:
            with self.redis() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _web_answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def _beats(self, name: str) -> bool:
        """Whether one of its own processes has said that it lives, and with which engine if it needs one."""
        pids = {self.running[name].pid, *(child.pid for child in self.children(name))}
        with self.database() as database, database.read() as session:
            beats = session.scalars(select(WorkerHeartbeat)).all()
        mine = [beat for beat in beats if int(beat.name.rpartition(":")[2]) in pids]
        return any(beat.kind != "predict" or beat.engine for beat in mine)


def prepare(folder: Path, engine: dict[str, str], engines: Path, **env: str) -> System:
    """A data folder with a champion, a user with a key, and the engine that was built for all of them."""
    folder.mkdir(parents=True)
    (folder / "engines").symlink_to(engines)
    system = System({"HANGTAG_DATA_DIR": str(folder), "HANGTAG_PORT": str(free_port()), **engine, **env})
    upgrade(system.settings)
    with system.database() as database:
        add_champion(
            database, BlobStore(system.settings.blob_url), base_digest=engine["HANGTAG_BASE_WEIGHTS_DIGEST"]
        )
        system.key = add_key(database, add_user(database, "Ada", "admin"), *accounts.SCOPES)
    return system


def add_examples(system: System, folder: Path, seed: int) -> None:
    """Photos to learn from: eight of each of two categories on every side."""
    for number, (split, label) in enumerate((s, c) for s in Split for c in ("hat", "shoes")):
        (folder / split / label).mkdir(parents=True)
        for copy in range(8):
            (folder / split / label / f"{copy}.jpg").write_bytes(picture(seed + 10 * number + copy))
    with system.database() as database:
        import_folder(database, BlobStore(system.settings.blob_url), folder)


def as_json(response: httpx.Response) -> dict[str, Any]:
    """The body of an answer."""
    body: dict[str, Any] = response.json()
    return body
