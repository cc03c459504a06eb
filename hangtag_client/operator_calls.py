"""Calls of operators: lists of jobs and batches, failures, queues; and those about one's own data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hangtag_client.exchange import Flow, Request, address, send
from hangtag_client.operator_results import Dealt, Deleted, Failures, Overview, Queues
from hangtag_client.results import Batch, Job

T = TypeVar("T")

# The server gives at most this many at once.
PAGE = 200


def jobs(
    *,
    state: str | None = None,
    kind: str | None = None,
    error_code: str | None = None,
    handled: str | None = None,
    limit: int = 50,
) -> Flow[list[Job]]:
    """The newest jobs, `limit` of them. `handled` (open, retried or discarded) looks at failures only."""
    chosen = {"state": state, "kind": kind, "error_code": error_code, "handled": handled}
    query = {name: value for name, value in chosen.items() if value is not None}
    return (yield from _pages("jobs", query, limit, Job.model_validate))


def job_log(job_id: str) -> Flow[list[str]]:
    """The last lines that workers logged about a job."""
    response = yield from send(Request("GET", address("jobs", job_id, "log")))
    return [str(line) for line in response.json()["lines"]]


def batches(*, limit: int = 50) -> Flow[list[Batch]]:
    """The newest batches, `limit` of them."""
    return (yield from _pages("batches", {}, limit, Batch.model_validate))


def discard_job(job_id: str) -> Flow[Job]:
    """Say that a failed job needs nothing more."""
    return (yield from _deed(job_id, "discard"))


def release_job(job_id: str) -> Flow[Job]:
    """Let a job out of quarantine. Returns the job that takes its place."""
    return (yield from _deed(job_id, "release"))


def failures() -> Flow[Failures]:
    """Failed jobs that nobody has dealt with, by cause."""
    response = yield from send(Request("GET", address("jobs", "failures")))
    return Failures.model_validate_json(response.content)


def retry_failures(kind: str, error_code: str, *, until: str | None = None) -> Flow[Dealt]:
    """Try all open failures with this cause again. Go on while some are `left`, with its `until`."""
    return (yield from _deal("retry", kind, error_code, until))


def discard_failures(kind: str, error_code: str, *, until: str | None = None) -> Flow[Dealt]:
    """Discard all open failures with this cause. Go on while some are `left`, with its `until`."""
    return (yield from _deal("discard", kind, error_code, until))


def queues() -> Flow[Queues]:
    """How much waits, for how long, and who works."""
    response = yield from send(Request("GET", address("queues")))
    return Queues.model_validate_json(response.content)


def overview(window: str = "24h") -> Flow[Overview]:
    """What needs somebody, and what was done within the last 24h, 7d or 30d."""
    response = yield from send(Request("GET", address("overview"), query={"window": window}))
    return Overview.model_validate_json(response.content)


def save_my_data(file: str | Path) -> Flow[int]:
    """Save your photos and what is known about them as a zip. Returns its bytes."""
    path = Path(file)
    yield from send(Request("GET", address("account", "data"), save_to=path))
    return path.stat().st_size


def delete_my_data() -> Flow[Deleted]:
    """Delete your photos and everything about them, for good. Interrupted, it goes on when asked again."""
    response = yield from send(Request("DELETE", address("account", "data")))
    return Deleted.model_validate_json(response.content)


def _pages(name: str, query: dict[str, str], limit: int, read: Callable[[Any], T]) -> Flow[list[T]]:
    found: list[T] = []
    cursor: str | None = None
    while len(found) < limit:
        size = {"limit": str(min(PAGE, limit - len(found)))}
        here = {"cursor": cursor} if cursor else {}
        response = yield from send(Request("GET", address(name), query={**query, **size, **here}))
        page = response.json()
        found += [read(row) for row in page[name]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return found


def _deed(job_id: str, deed: str) -> Flow[Job]:
    response = yield from send(Request("POST", address("jobs", job_id, deed), json={}, repeatable=False))
    return Job.model_validate(response.json()["job"])


def _deal(deed: str, kind: str, error_code: str, until: str | None) -> Flow[Dealt]:
    body = {"kind": kind, "error_code": error_code} | ({"until": until} if until else {})
    response = yield from send(Request("POST", address("jobs", "failures", deed), json=body))
    return Dealt.model_validate_json(response.content)
