"""What versions answered for one photo, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from shared.models import registry
from shared.models.answer import Answer, Ranked
from shared.tables import Job, ModelVersion
from web.pages.present.words import Confidence, confidence


@dataclass(frozen=True, slots=True)
class ToldAnswer:
    """The answer of one version. A diagnostic one is not held to the words that sellers see."""

    version: ModelVersion
    best: Ranked
    sure: Confidence
    others: list[Ranked]


def told_answers(session: Session, job: Job) -> list[ToldAnswer]:
    """The answers of a try-out in the order of its versions; none before it has ended well."""
    return [
        _told(registry.find(session, row["model_version"]), row)
        for row in (job.result or {}).get("answers", [])
    ]


def _told(version: ModelVersion, row: dict[str, object]) -> ToldAnswer:
    answer = Answer.model_validate(row)
    best, *others = answer.top
    return ToldAnswer(version, best, confidence(answer.confidence, answer.decision), others)
