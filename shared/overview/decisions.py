"""What waits for an administrator's decision, beyond failures."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.datasets import reports
from shared.datasets import store as datasets
from shared.models import gate
from shared.models.registry import CHAMPION
from shared.reviewing import figures
from shared.tables import AliasChange, ModelVersion

# So many of the newest versions are judged: who trains more before looking wants the newest anyway.
JUDGED = 2


@dataclass(frozen=True, slots=True)
class Decisions:
    """Labels that no version has learned from, examples that differ from the newest dataset version, the
    newest version that could take the champion's place, the newest dataset version if its report blocks."""

    new_labels: int
    unfrozen: int
    challenger: int | None
    blocked: int | None


def waiting(session: Session, champion: ModelVersion | None) -> Decisions:
    """What could be decided now."""
    return Decisions(
        new_labels=figures.new_labels(session) if champion else 0,
        unfrozen=datasets.unfrozen(session),
        challenger=_challenger(session, champion),
        blocked=_blocked(session),
    )


def _blocked(session: Session) -> int | None:
    newest = next(iter(datasets.versions(session)), None)
    return newest.number if newest is not None and reports.of(session, newest).blocking else None


def _challenger(session: Session, champion: ModelVersion | None) -> int | None:
    """The newest version since the champion that passes the gate. One that was champion before is none."""
    were = select(AliasChange.after).where(AliasChange.name == CHAMPION, AliasChange.after.is_not(None))
    later = ModelVersion.number > (champion.number if champion else 0)
    query = select(ModelVersion).where(later, ModelVersion.number.not_in(were))
    for version in session.scalars(query.order_by(ModelVersion.number.desc()).limit(JUDGED)):
        if gate.judge(session, version, champion).passed:
            return version.number
    return None
