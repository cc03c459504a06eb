"""A real Redis for as long as it is needed."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from shared.redis_server import server_command
from tests.processes import wait_until

# It takes a tenth of a second on a machine that does nothing else.
WAIT_SECONDS = 60


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Start a Redis on a private socket below `folder`; its address.

    It keeps nothing on disk: with that it would answer no one for seconds while the disk is busy.
    """
    (folder / "redis").mkdir(parents=True)
    command = [*server_command(folder), "--appendonly", "no"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    socket = Path(command[command.index("--unixsocket") + 1])
    try:
        wait_until(lambda: _answers(socket), WAIT_SECONDS, "Redis answers")
        yield f"redis+socket://{socket}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_SECONDS)


def _answers(socket: Path) -> bool:
    with redis.Redis.from_url(f"unix://{socket}", retry=None) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
