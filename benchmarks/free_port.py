"""A port for a server that is started in a moment."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

# Below those that systems hand out by themselves (Linux from 32768 on): none of these is taken in passing.
DRAWN_FROM = range(20_000, 32_768)


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    while True:
        port = secrets.choice(DRAWN_FROM)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
