"""A proxy in front of the real server that breaks connections and refuses requests when told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

HOP_HEADERS = ("connection", "content-length", "transfer-encoding", "host")
LOSE_ANSWER = 0


@dataclass
class Gateway:
    """Passes requests on; for each of `faults`, one request goes wrong first.

    A status refuses the request, with Retry-After. LOSE_ANSWER lets the server do it, then breaks off.
    """

    upstream: str
    url: str = ""
    faults: list[int] = field(default_factory=list)
    retry_after: str = "0"
    seen: list[str] = field(default_factory=list)


@contextmanager
def gateway(upstream: str) -> Iterator[Gateway]:
    """A gateway that listens on a free port."""
    state = Gateway(upstream)

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            state.seen.append(f"{self.command} {self.path.partition('?')[0]}")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = state.faults.pop(0) if state.faults else None
            if fault:
                self.send_response(fault)
                self.send_header("Retry-After", state.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            headers = {name: text for name, text in self.headers.items() if name.lower() not in HOP_HEADERS}
            answer = httpx.request(
                self.command, state.upstream + self.path, headers=headers, content=body, timeout=60
            )
            if fault == LOSE_ANSWER:
                self.close_connection = True
                return
            self.send_response(answer.status_code)
            for name, text in answer.headers.items():
                if name not in HOP_HEADERS:
                    self.send_header(name, text)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = _pass_on  # noqa: N815 - the names http.server looks for

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
