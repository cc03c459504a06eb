"""The command line's way to the API: where the server is, which key opens it, what its errors say."""

from __future__ import annotations

import os
import secrets
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from cli.lazy import UnreachableError
from shared.errors import HangtagError, SettingsError
from shared.settings import Settings, load_settings

KEY_FILE = "cli_key"
CONNECT_SECONDS = 5.0
# Longer than the longest wait that the API offers (60 s), so that the server is the one to give up.
READ_SECONDS = 90.0
# The API answers a long poll after this time at the latest; it allows up to 60.
POLL_SECONDS = 20
MIN_POLL_SECONDS = 0.2
# How often a busy server is asked again, and the longest it may ask us to wait.
BUSY_TRIES = 6
BUSY_SECONDS = 30.0
BUSY_STATUSES = (429, 503)
TERMINAL_STATES = ("succeeded", "failed", "cancelled", "quarantined")


class ApiError(HangtagError):
    """The server refused; the message is its own sentence."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        detail = problem.get("detail") or problem.get("title") or f"The server answered with status {status}."
        fields = [f"{item.get('field')}: {item.get('message')}" for item in problem.get("errors") or []]
        super().__init__(" ".join([str(detail), *fields]))
        self.http_status = status
        self.problem_code = str(problem.get("code", "unknown"))


class KeyRefusedError(SettingsError):
    """The server does not accept the API key."""


def local_settings() -> Settings:
    """The settings for commands that use no secret, so that asking never creates one on disk.

    Raises:
        SettingsError: a variable is wrong.
    """
    unused = {"HANGTAG_SECRET_KEY": secrets.token_hex(32), "HANGTAG_SECRET_KEY_FILE": ""}
    return load_settings({**os.environ, **unused})


def server_address(settings: Settings) -> str:
    """Where a client on this machine reaches the server that these settings start."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - a name, no bind
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def api_key(settings: Settings) -> str:
    """HANGTAG_API_KEY, else the key that `hangtag run` keeps for this machine.

    Raises:
        SettingsError: there is neither.
    """
    key = os.environ.get("HANGTAG_API_KEY", "").strip()
    if key:
        return key
    try:
        return (settings.data_dir / KEY_FILE).read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"There is no API key: {settings.data_dir / KEY_FILE} cannot be read. Start Hangtag once with "
            "'hangtag run', or set HANGTAG_API_KEY to a key from 'hangtag key create'."
        ) from error


def connect() -> Client:
    """A client for the server that the environment names.

    Raises:
        SettingsError: a variable is wrong, or there is no key.
    """
    settings = local_settings()
    url = os.environ.get("HANGTAG_URL", "").strip().rstrip("/")
    return Client(url or server_address(settings), api_key(settings))


class Client:
    """Calls the API with one key. Its methods may be used from several threads."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=64),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: object) -> Any:
        """Read a resource. Query values that are None are left out."""
        chosen = {name: str(value) for name, value in query.items() if value is not None}
        return self._send("GET", path, params=chosen).json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create something; repeated by us, it is still created once."""
        return self._send("POST", path, json=dict(body), headers=_once()).json()

    def post_for_bytes(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Ask for a file that is made from what is sent."""
        return self._send("POST", path, json=dict(body)).content

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Set something."""
        return self._send("PUT", path, json=dict(body)).json()

    def delete(self, path: str) -> Any:
        """Delete something."""
        return self._send("DELETE", path).json()

    def download(self, path: str, file: Path) -> int:
        """Save an answer of any size as a file, which appears when it is whole. Returns its bytes."""
        unfinished = file.with_name(f"{file.name}.part")
        with self._http.stream("GET", path) as response:
            if not response.is_success:
                response.read()
                _check(response)
            with unfinished.open("wb") as out:
                for part in response.iter_bytes():
                    out.write(part)
        unfinished.replace(file)
        return file.stat().st_size

    def send_photo(self, name: str, data: bytes, wait_seconds: int) -> dict[str, Any]:
        """Upload a photo and return its job, finished when that took no longer than `wait_seconds`."""
        deadline = time.monotonic() + wait_seconds
        headers = {"Prefer": f"wait={min(wait_seconds, 60)}"} | _once() if wait_seconds else _once()
        answer = self._send("POST", "/api/v1/classifications", files={"photo": (name, data)}, headers=headers)
        job: dict[str, Any] = answer.json()["job"]
        while job["state"] not in TERMINAL_STATES and time.monotonic() < deadline:
            asked = time.monotonic()
            job = self.job(job["id"], wait_seconds=max(1, min(POLL_SECONDS, int(deadline - asked))))
            # A server with too many waiting requests answers at once; asking again at once would not help it.
            time.sleep(max(0.0, MIN_POLL_SECONDS - (time.monotonic() - asked)))
        return job

    def upload(self, path: str, name: str, data: bytes) -> Any:
        """Send one photo; repeated by us, it is still taken once."""
        return self._send("POST", path, files={"photo": (name, data)}, headers=_once()).json()

    def send_batch(self, field: str, files: list[tuple[str, bytes]]) -> Any:
        """Upload many photos, or one zip as "archive". Returns the batch and its items."""
        parts = [(field, file) for file in files]
        return self._send("POST", "/api/v1/batches", files=parts, headers=_once()).json()

    def job(self, job_id: str, wait_seconds: int = POLL_SECONDS) -> dict[str, Any]:
        """A job, after it changed or after `wait_seconds`."""
        found: dict[str, Any] = self.get(f"/api/v1/jobs/{job_id}", wait=wait_seconds)
        return found

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        for tries_left in reversed(range(BUSY_TRIES)):
            response = self._send_once(method, path, **request)
            if response.status_code not in BUSY_STATUSES or not tries_left:
                break
            time.sleep(_asked_wait(response))
        _check(response)
        return response

    def _send_once(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise UnreachableError(
                f"Hangtag does not answer at {self.url} ({type(error).__name__}). Start it with "
                "'hangtag run', or set HANGTAG_URL to where it runs."
            ) from error


def _once() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def _asked_wait(response: httpx.Response) -> float:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), BUSY_SECONDS) if asked.isdigit() else 1.0


def _check(response: httpx.Response) -> None:
    if response.is_success:
        return
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    error = ApiError(response.status_code, problem if isinstance(problem, dict) else {})
    if response.status_code in (401, 403):
        raise KeyRefusedError(f"{error.message} Set HANGTAG_API_KEY to a key that may do this.")
    raise error
