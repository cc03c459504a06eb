"""The web server as it really runs (gunicorn, decoders, database, Redis), without workers: quick to start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from sqlalchemy import func, select

from benchmarks.free_port import free_port
from shared.database import Database
from shared.migrate import upgrade
from shared.settings import Settings, load_settings
from shared.tables import Batch, BatchItem, IdempotencyKey, Job, Photo, User
from tests.factories import add_key, add_user, picture
from tests.processes import asked, wait_until, with_command
from web.app import DECODERS

START_SECONDS = 60
STOP_SECONDS = 40
DECODER = "shared.photos.decoder_child"
COUNTED = (Job, Photo, Batch, BatchItem, IdempotencyKey)


@dataclass(frozen=True, slots=True)
class WebServer:
    """A running server with its data folder, and somebody to ask it things as."""

    settings: Settings
    database: Database
    process: subprocess.Popen[bytes]
    seller: User
    admin: User

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.settings.port}"

    def client(self, user: User | None = None, *scopes: str) -> httpx.Client:
        """A program with a key of this person (the seller's, to classify and read, unless said otherwise)."""
        key = add_key(self.database, user or self.seller, *(scopes or ("classify", "read")))
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=httpx.Timeout(60)
        )

    def rows(self) -> dict[str, int]:
        """How many rows of what uploads leave behind there are."""
        with self.database.read() as session:
            return {
                table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
                for table in COUNTED
            }

    def files(self) -> set[Path]:
        """What is stored of uploads, finished or not."""
        folders = (self.settings.data_dir / "blobs", self.settings.data_dir / "incoming")
        return {path for folder in folders for path in folder.rglob("*") if path.is_file()}

    def processes(self) -> list[psutil.Process]:
        """gunicorn, its workers, and their decoders."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def start_decoders(self) -> None:
        """Start every decoder: each starts when first needed, which is no growth of memory."""
        wait_until(self._all_decode, START_SECONDS, "every web process has all of its decoders")

    def _all_decode(self) -> bool:
        family = self.processes()
        wanted = DECODERS * len(family[0].children())
        if len(with_command(family, DECODER)) >= wanted:
            return True
        # A decoder is at it for a while before it misses the end, and nothing is stored. The next round comes
        # over new connections, which may reach another process.
        with self.client() as client, ThreadPoolExecutor(2 * wanted) as pool:
            files = {"photo": ("a.jpg", picture(size=(3000, 3000))[:-100])}
            list(pool.map(lambda _: client.post("/api/v1/classifications", files=files), range(2 * wanted)))
        return False

    def resident_bytes(self) -> int:
        """Memory of all its processes."""
        return sum(memory.rss for _, memory in asked(self.processes(), psutil.Process.memory_info))


@contextmanager
def serve(
    folder: Path, redis_url: str, *, conf: str = "web.gunicorn_conf", app: str = "web.wsgi:app"
) -> Iterator[WebServer]:
    """Start a server with an empty data folder, and stop it at the end."""
    env = {
        "HANGTAG_DATA_DIR": str(folder),
        "HANGTAG_PORT": str(free_port()),
        "HANGTAG_REDIS_URL": redis_url,
        # Generated requests come faster than any person or program; their limits are another test's matter.
        **{f"HANGTAG_RATE_{name}": "0" for name in ("ANONYMOUS", "READS", "WRITES")},
    }
    settings = load_settings(env)
    upgrade(settings)
    database = Database(settings.database_url)
    seller, admin = add_user(database, "Sam", "seller"), add_user(database, "Ada", "admin")
    command = [sys.executable, "-m", "gunicorn", "-c", f"python:{conf}", app]
    with (folder / "web.log").open("ab") as log:
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log)
    server = WebServer(settings, database, process, seller, admin)
    try:
        wait_until(lambda: _lives(server), START_SECONDS, "the web server answers")
        yield server
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        database.close()


def _lives(server: WebServer) -> bool:
    assert server.process.poll() is None, (server.settings.data_dir / "web.log").read_text()
    try:
        return httpx.get(f"{server.url}/healthz", timeout=60).status_code == 200
    except httpx.TransportError:
        return False
