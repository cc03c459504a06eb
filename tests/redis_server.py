"""A real Redis for as long as it is needed."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.redis_server import server_command
from tests.processes import wait_until


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Start a Redis on a private socket below `folder`; its address."""
    (folder / "redis").mkdir(parents=True)
    command = server_command(folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    socket = Path(command[command.index("--unixsocket") + 1])
    try:
        wait_until(socket.exists, 10, "Redis opens its socket")
        yield f"redis+socket://{socket}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
