"""A real HTTP server that notes what it is sent and answers as a test wants."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


# Answers a request by hand; None stands for 204.
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(slots=True)
class Receiver:
    """What has come in, and how the next requests are answered."""

    url: str
    port: int
    received: list[Received] = field(default_factory=list)
    answer: Answer | None = None
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Note a request and answer it."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self.lock:
            self.received.append(Received(handler.path, dict(handler.headers), body))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.answer is None:
                status(204)(handler)
            else:
                self.answer(handler)
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever asked has not waited
        finally:
            with self.lock:
                self.at_once -= 1


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """Answers with a status; `Retry_After="1"` is a header."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def receiver(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Receiver]:
    """Serve on a free port until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that refuses our certificate is what some tests are about."""

    server = Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    port = server.server_address[1]
    found = Receiver(f"{'https' if tls else 'http'}://{host}:{port}/hooks", port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
