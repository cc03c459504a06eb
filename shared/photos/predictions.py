"""All prediction SQL: the answers of versions for photos, at most one each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database import insert_missing
from shared.jobs.states import JobKind
from shared.models import registry
from shared.models.answer import TOP_COUNT
from shared.tables import Job, Prediction


def remember(session: Session, photo_id: str, version: int, engine: str, answer: dict[str, Any]) -> None:
    """Keep an answer unless this version has answered this photo before; the first answer stays."""
    remember_all(session, {photo_id: answer}, version, engine)


def remember_all(session: Session, answers: Mapping[str, dict[str, Any]], version: int, engine: str) -> None:
    """Keep the answers, by photo, unless this version has answered a photo before; the first answer stays."""
    rows = [
        {"photo_id": photo_id, "model_version": version, "engine": engine, **answers[photo_id]}
        for photo_id in sorted(answers)  # in one order: two who insert the same rows never wait in a circle
    ]
    insert_missing(session, Prediction, rows)


def result(session: Session, photo_id: str, version: int) -> dict[str, Any] | None:
    """The answer of a version for a photo, in the form of a job result."""
    return results(session, [photo_id], version).get(photo_id)


def results(session: Session, photo_ids: Collection[str], version: int) -> dict[str, dict[str, Any]]:
    """The answers of a version for photos, by photo, as job results: of all that is kept, the top."""
    query = select(Prediction).where(Prediction.photo_id.in_(photo_ids), Prediction.model_version == version)
    return {
        known.photo_id: {
            "category": known.category,
            "confidence": known.confidence,
            "decision": known.decision,
            "top": known.top[:TOP_COUNT],
            "model_version": known.model_version,
            "photo_id": known.photo_id,
        }
        for known in session.scalars(query)
    }


def of_jobs(session: Session, jobs: Iterable[Job]) -> dict[str, Prediction]:
    """All that is kept of the answers that classifications gave as their results, by job."""
    answered = {
        job.id: (job.photo_id, job.result["model_version"])
        for job in jobs
        if job.kind is JobKind.CLASSIFY and job.photo_id and job.result
    }
    photo_ids = {photo_id for photo_id, _ in answered.values()}
    rows = session.scalars(select(Prediction).where(Prediction.photo_id.in_(photo_ids)))
    known = {(row.photo_id, row.model_version): row for row in rows}
    return {job_id: known[pair] for job_id, pair in answered.items() if pair in known}


def champions_results(session: Session, photo_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """What the champion has answered for photos before, by photo."""
    champion = registry.champion(session)
    return results(session, photo_ids, champion.number) if champion else {}
