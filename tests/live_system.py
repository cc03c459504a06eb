"""The whole of Hangtag as `make run` starts it, with a small real network: 71 px and random base weights."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.free_port import free_port
from shared import accounts
from shared.blobs import BlobStore
from shared.database import Database
from shared.migrate import upgrade
from shared.settings import Settings, load_settings
from tests.factories import add_champion
from tests.processes import wait_until
from tests.random_weights import write_random_weights

# TensorFlow's import, the building of an engine and its parity check, on two busy cores.
START_SECONDS = 240
# The smallest pictures that Xception takes.
IMAGE_SIZE = 71
STOP_SECONDS = 120


@dataclass(slots=True)
class LiveSystem:
    """A data folder and the `hangtag run` that serves it."""

    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """What its processes read."""
        return load_settings({name: text for name, text in self.env.items() if name.startswith("HANGTAG_")})

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.env['HANGTAG_PORT']}"

    @property
    def log(self) -> Path:
        """What `hangtag run` printed."""
        return self.settings.data_dir / "run.log"

    def start(self) -> None:
        """Start everything and wait until photos are answered."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli", "run"],
                env={**os.environ, **self.env},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._serves, START_SECONDS, "Hangtag serves")
        except BaseException:
            sys.stderr.write(self.log.read_text())
            self.stop()
            raise

    def stop(self) -> int:
        """Ask it to stop and wait. Returns the exit status.

        Not with SIGINT: what a shell starts in the background is born deaf to it.
        """
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def api(self, *, wait_seconds: float = 70) -> httpx.Client:
        """A program with the local key."""
        key = (self.settings.data_dir / "cli_key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=wait_seconds)

    def sign_in_link(self) -> str:
        """The address of a new one-time link for the administrator."""
        database = Database(self.settings.database_url)
        try:
            with database.write() as session:
                token = accounts.create_sign_in_link(session, accounts.ensure_admin(session).id)
        finally:
            database.close()
        return f"{self.url}/sign-in/{token}"

    def _serves(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"hangtag run ended with status {self.process.returncode}.")
        return "Hangtag is serving" in self.log.read_text()


def build_engines(folder: Path) -> Path:
    """Build the OpenVINO engine of random base weights. Returns the engines/ of the data folder `folder`."""
    folder.mkdir()
    weights = folder / "random.npz"
    env = {
        "HANGTAG_DATA_DIR": str(folder),
        "HANGTAG_BASE_WEIGHTS": str(weights),
        "HANGTAG_BASE_WEIGHTS_DIGEST": write_random_weights(weights),
    }
    command = [sys.executable, "-m", "worker.engines.build", "--image-size", str(IMAGE_SIZE)]
    subprocess.run(command, env={**os.environ, **env}, check=True, stdout=subprocess.DEVNULL)
    return folder / "engines"


def prepare_system(folder: Path, database_url: str | None = None, engines: Path | None = None) -> LiveSystem:
    """A data folder with random base weights and a champion with a random head; nothing runs yet.

    Args:
        engines: engines that were built already; None leaves it to the first start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if engines is not None:
        shutil.copytree(engines, folder / "engines")
    weights = folder / "random.npz"
    env = {
        "HANGTAG_DATA_DIR": str(folder),
        "HANGTAG_PORT": str(free_port()),
        "HANGTAG_BASE_WEIGHTS": str(weights),
        "HANGTAG_BASE_WEIGHTS_DIGEST": write_random_weights(weights),
        "HANGTAG_THREADS": "2",
        "HANGTAG_RATE_ANONYMOUS": "0",  # all tests ask from one address
    }
    if database_url is not None:
        env["HANGTAG_DATABASE_URL"] = database_url
    system = LiveSystem(env)
    upgrade(system.settings)
    database = Database(system.settings.database_url)
    add_champion(
        database, BlobStore(system.settings.blob_url), base_digest=env["HANGTAG_BASE_WEIGHTS_DIGEST"]
    )
    database.close()
    return system
