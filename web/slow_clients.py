"""The gunicorn worker, impatient with clients who send too slowly: each holds one of its threads.

A request has some seconds to begin with and gains more with what arrives, so that a large upload over a
slow line gets through and one that trickles does not (compare Apache's mod_reqtimeout). A proxy in front that
takes requests in whole does the same; this is for set-ups without one.
"""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# For the headers and the first bytes of the body.
FIRST_SECONDS = 30.0
# A quarter of a megabit. A photo of 10 MiB may take six minutes, the largest batch two hours.
LEAST_BYTES_PER_SECOND = 32 * 1024


class ImpatientSocket(socket.socket):
    """A client's connection that is over when a request comes too slowly. Answers may take their time."""

    too_slow = False
    _deadline = 0.0

    def expect_request(self) -> None:
        """Begin to count: another request comes now."""
        self.too_slow = False
        self._deadline = time.monotonic() + FIRST_SECONDS

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """What has arrived.

        Raises:
            ConnectionResetError: too little has, for too long.
        """
        if self.gettimeout() is not None:  # the server counts by itself, while it closes the connection
            return super().recv(size, flags)
        left = self._deadline - time.monotonic()
        try:
            self.settimeout(max(left, 0.001))
            data = super().recv(size, flags)
        except TimeoutError as error:
            self.too_slow = True
            raise ConnectionResetError(errno.ECONNRESET, "The client sends too slowly.") from error
        finally:
            self.settimeout(None)
        self._deadline += len(data) / LEAST_BYTES_PER_SECOND
        return data


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's worker with threads, on impatient connections."""

    def handle(self, conn: TConn) -> Any:
        """Answer one request of a connection."""
        if not isinstance(conn.sock, ImpatientSocket):
            conn.sock = ImpatientSocket(fileno=conn.sock.detach())
        conn.sock.expect_request()
        return super().handle(conn)
