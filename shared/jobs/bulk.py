"""Classify jobs for many photos at once: a few statements, however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.jobs.states import JobKind, JobState
from shared.tables import Job, new_id


def create_classify_jobs(
    session: Session, owner_id: str, photo_ids: Sequence[str], known: Mapping[str, dict[str, Any]]
) -> dict[str, str]:
    """Add a classify job for each photo. Returns the ids of the jobs by photo.

    Photos in `known` have their result already: their jobs have succeeded from the start. The caller commits
    first and publishes wake-ups afterwards.
    """
    now = utc_now()
    waits = {"state": JobState.QUEUED, "last_dispatch_at": now}
    answered = {"state": JobState.SUCCEEDED, "started_at": now, "finished_at": now}
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "kind": JobKind.CLASSIFY,
            "owner_id": owner_id,
            "photo_id": photo_id,
            "created_at": now,
            **({**answered, "result": known[photo_id]} if photo_id in known else waits),
        }
        for photo_id in photo_ids
    ]
    for state in (JobState.QUEUED, JobState.SUCCEEDED):  # rows of one statement have the same columns
        if same := [row for row in rows if row["state"] is state]:
            session.execute(insert(Job), same)
    return {row["photo_id"]: row["id"] for row in rows}
