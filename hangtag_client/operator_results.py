"""The server's answers for operators and about one's own data."""

from __future__ import annotations

from typing import Any

from hangtag_client.results import Moment, Result


class FailureGroup(Result):
    """Open failures with one cause. `quarantined` of them took their worker down on every attempt."""

    kind: str
    error_code: str
    message: str | None
    count: int
    quarantined: int
    first_seen: Moment
    last_seen: Moment
    sample_job_id: str


class Failures(Result):
    """Open failures by cause, the largest group first; `more` says that there are others."""

    failures: list[FailureGroup]
    more: bool


class Dealt(Result):
    """What a call did with a group of failures; while some are `left`, go on with this `until`."""

    count: int
    left: int
    until: str


class Queue(Result):
    """One kind of job: how many wait, since when the oldest does, how many run, and who works."""

    kind: str
    queue: str
    waiting: int
    delayed: int
    oldest_created_at: Moment | None
    oldest_age_seconds: float | None
    running: int
    workers: int


class Worker(Result):
    """One worker process. `note` names a fallback; `silent`: not heard of for half a minute."""

    name: str
    kind: str
    engine: str | None
    device: str | None
    note: str | None
    resident_bytes: int
    started_at: Moment
    seen_at: Moment
    silent: bool


class Queues(Result):
    """Every queue, and every worker that has not signed off."""

    queues: list[Queue]
    workers: list[Worker]


class Matter(Result):
    """Something that needs somebody. `level` is bad, warn or decide; `page` is where to see to it."""

    level: str
    text: str
    page: str


class Overview(Result):
    """What needs somebody, how the queues stand and what was done; the API reference has each figure."""

    matters: list[Matter]
    queues: list[dict[str, Any]]
    done: dict[str, Any]


class Deleted(Result):
    """How much of what is one's own was deleted."""

    photos: int
    batches: int
