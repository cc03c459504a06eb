"""How a call talks to the server, without doing so itself.

A call is a generator. It yields what it needs (a request sent, a pause, a file read) and is given the
result, so one text serves the blocking and the asynchronous client.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from hangtag_client.errors import ApiError, NotHangtagError, UnreachableError

T = TypeVar("T")

API = "/api/v1"
# What Hangtag answers with; anything else comes from somebody else at this address.
SPOKEN = ("application/json", "text/event-stream", "application/zip", "image/webp")
TRIES = 5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
# Whoever is asked to wait longer (a used-up quota, say) is told so instead.
LONGEST_ASKED_SECONDS = 60.0
# 429 means that nothing was done. The others may come after the work was, like a lost connection.
REFUSED_STATUS = 429
UNCERTAIN_STATUSES = (502, 503, 504)
# Before these, nothing has reached the server.
NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `repeatable`: done twice, it has the effect of once. `save_to`: where its answer goes."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    files: list[tuple[str, tuple[str, bytes]]] | None = None
    form: Mapping[str, str] | None = None
    repeatable: bool = True
    save_to: Path | None = None

    def options(self) -> dict[str, Any]:
        """What httpx is to be told beside method and path."""
        sent = {"params": self.query, "headers": self.headers, "json": self.json}
        return {**sent, "files": self.files, "data": self.form}


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Read:
    """Read a file."""

    path: Path


Step = Request | Pause | Read
Reply = httpx.Response | httpx.TransportError
Flow = Generator[Step, Any, T]


def address(*parts: str | int) -> str:
    """Where something is in the API. Whatever an id holds, it leads nowhere else."""
    return "/".join([API, *(quote(str(part), safe="") for part in parts)])


def once(headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """Headers for a creating request, which the server then carries out once however often it comes."""
    return {**(headers or {}), "Idempotency-Key": str(uuid.uuid4())}


def send(request: Request) -> Flow[httpx.Response]:
    """Send a request, again where that is safe and may help.

    Raises:
        ApiError: the server refused.
        UnreachableError: it did not answer.
    """
    for attempt in range(TRIES):
        reply: Reply = yield request
        pause = pause_before_repeat(request, reply, attempt)
        if pause is None or attempt == TRIES - 1:
            break
        yield Pause(pause)
    return checked(reply)


def pause_before_repeat(request: Request, reply: Reply, attempt: int) -> float | None:
    """Seconds until the request should be sent again; None when it should not."""
    backoff = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
    pause = backoff * random.uniform(0.5, 1)  # noqa: S311 - spreads clients out, guards nothing
    if isinstance(reply, httpx.TransportError):
        return pause if request.repeatable or isinstance(reply, NOTHING_SENT) else None
    uncertain = request.repeatable and reply.status_code in UNCERTAIN_STATUSES
    if not uncertain and reply.status_code != REFUSED_STATUS:
        return None
    asked = retry_after(reply) or 0.0
    return None if asked > LONGEST_ASKED_SECONDS else max(asked, pause)


def retry_after(response: httpx.Response) -> float | None:
    """The seconds that the server asks to wait."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None


def checked(reply: Reply) -> httpx.Response:
    """The answer, when it is one.

    Raises:
        ApiError: the server refused.
        UnreachableError: it did not answer.
    """
    if isinstance(reply, httpx.TransportError):
        raise UnreachableError(
            f"Hangtag does not answer ({type(reply).__name__}). See that it runs and the address is right."
        ) from reply
    if reply.is_success:
        return reply if reply.status_code == httpx.codes.NO_CONTENT else spoken(reply, *SPOKEN)
    try:
        problem = reply.json()
    except ValueError:  # a proxy's own page
        problem = None
    raise ApiError(reply.status_code, problem if isinstance(problem, dict) else {}, retry_after(reply))


def spoken(response: httpx.Response, *kinds: str) -> httpx.Response:
    """The answer, when it is one of these kinds.

    Raises:
        NotHangtagError: it is something else.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind not in kinds:
        place = response.url.copy_with(path="/", query=None)
        raise NotHangtagError(f"Something answers at {place}, but it is not Hangtag. Check the address.")
    return response
