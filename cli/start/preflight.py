"""What has to hold before anything is started: one run per data folder, and a free port."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path

from shared.errors import SettingsError
from shared.settings import Settings


def hold_data_folder(data_dir: Path) -> int:
    """Take the data folder for this run. Returns a file descriptor; the hold ends when its last copy closes.

    Raises:
        SettingsError: another run holds it, or it cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(
            f"The data folder {data_dir} cannot be used ({error.strerror}). Set HANGTAG_DATA_DIR to another."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = _owner(data_dir, descriptor)
        os.close(descriptor)
        raise SettingsError(
            f"Another 'hangtag run' ({owner}) uses the data folder {data_dir}, or is still stopping. "
            "Stop it first, or set HANGTAG_DATA_DIR to another folder."
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _owner(data_dir: Path, descriptor: int) -> str:
    """Which processes hold the folder. After a kill on macOS only the process manager may be left."""
    run = os.pread(descriptor, 20, 0).decode() or "unknown"
    try:
        manager = (data_dir / "run" / "supervisord.pid").read_text().strip()
    except OSError:
        return f"process {run}"
    return f"process {run}, its process manager is {manager}"


def check_port(settings: Settings) -> None:
    """See that the web process will be able to listen.

    Raises:
        SettingsError: the port is taken, not allowed, or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        # As gunicorn does: a port whose last connections are still closing down counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
            probe.listen(1)
        except OSError as error:
            raise SettingsError(_port_sentence(settings, error)) from error


def _port_sentence(settings: Settings, error: OSError) -> str:
    where = f"port {settings.port} on {settings.host}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Another program already listens on {where}. Stop it, or choose another port: "
            f"HANGTAG_PORT={settings.port % 65535 + 1} hangtag run"
        )
    if error.errno == errno.EACCES:
        return f"Only root may listen on {where}. Set HANGTAG_PORT to a number above 1023."
    return f"Hangtag cannot listen on {where} ({error.strerror}). Check HANGTAG_HOST and HANGTAG_PORT."
