"""Requests that queue a long job: done once per Idempotency-Key, woken after the commit, answered 202."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from shared.jobs.states import JobKind
from shared.public_views import JobOut
from shared.tables import Job
from web.api.answers import answer
from web.api.schemas import JobAnswer
from web.idempotency import REPLAYED, once
from web.services import services


def queue_once(parts: str, accept: Callable[[Session], Job], resource: str = "jobs") -> Response:
    """Accept a job in one transaction, or recall the first answer to this request, and name its address.

    `parts` is the request's `web.idempotency.fingerprint`, `resource` the collection the job is looked at in.
    """

    def work(session: Session) -> dict[str, Any]:
        return JobAnswer(job=JobOut.of(accept(session))).model_dump(mode="json")

    made, replayed = once(parts, work)
    if not replayed:
        services().queue.publish(JobKind(made["job"]["kind"]), made["job"]["id"])
    return queued(made, resource, replayed=replayed)


def queued(made: dict[str, Any], resource: str = "jobs", *, replayed: bool) -> Response:
    """The answer that a job is accepted."""
    headers = {"Location": f"/api/v1/{resource}/{made['job']['id']}", **(REPLAYED if replayed else {})}
    return answer(JobAnswer.model_validate(made), 202, headers)
