"""The last lines that workers logged about a long job, for whoever looks at its page."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.tables import Job, JobLog

# Enough to see what a run was doing when something went wrong; the whole log is with the process manager.
MAX_LINES = 100
MAX_LINE_CHARACTERS = 300


def lines(session: Session, job_id: str) -> list[str]:
    """The last lines of a job, oldest first."""
    row = session.get(JobLog, job_id)
    return list(row.lines) if row else []


def keep(session: Session, job_id: str, attempt: int, latest: Sequence[str]) -> None:
    """Replace the lines of a job, unless a later attempt has it by now."""
    if session.scalar(select(Job.attempt).where(Job.id == job_id)) == attempt:
        kept = [line[:MAX_LINE_CHARACTERS] for line in latest[-MAX_LINES:]]
        session.merge(JobLog(job_id=job_id, lines=kept))
