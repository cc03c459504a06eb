"""The `hangtag` command against a real server process's worth of web application, without workers."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result
from werkzeug.serving import make_server

from cli.main import app as hangtag_app
from cli.start.preparation import credentials
from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.settings import Settings, load_settings
from shared.tables import Job
from web.app import create_app
from web.services import EXTENSION

Command = Callable[..., Result]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """The data folder of the Hangtag that the commands are told of."""
    return tmp_path / "data"


@pytest.fixture
def command(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `hangtag` with arguments."""
    monkeypatch.setenv("HANGTAG_DATA_DIR", str(data_dir))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(hangtag_app, arguments)

    return run


@pytest.fixture
def started(data_dir: Path, migrated_sqlite: Path, redis_url: str) -> Settings:
    """A Hangtag that was started before: migrated database, an administrator, a key for this machine."""
    data_dir.mkdir()
    shutil.copy(migrated_sqlite, data_dir / "hangtag.db")
    settings = load_settings({"HANGTAG_DATA_DIR": str(data_dir), "HANGTAG_REDIS_URL": redis_url})
    credentials(settings)
    return settings


@pytest.fixture
def database(started: Settings) -> Iterator[Database]:
    """Its database."""
    opened = Database(started.database_url)
    yield opened
    opened.close()


@pytest.fixture
def blobs(started: Settings) -> BlobStore:
    """Its blob store."""
    return BlobStore(started.blob_url)


@pytest.fixture
def server(started: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """It, serving over real HTTP; the address."""
    app = create_app(started)
    serving = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{serving.server_port}"
    monkeypatch.setenv("HANGTAG_URL", address)
    yield address
    serving.shutdown()
    thread.join()
    serving.server_close()
    app.extensions[EXTENSION].close()


class Finisher:
    """Takes the part of a worker: claims jobs and ends them as it was told."""

    def __init__(self, database: Database, kind: JobKind, end: Callable[[Any, Job], None]) -> None:
        self._database = database
        self._kind = kind
        self._end = end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            with self._database.write() as session:
                for job in store.claim(session, self._kind, "finisher", 10):
                    self._end(session, job)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Work in the background until the end of the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()
