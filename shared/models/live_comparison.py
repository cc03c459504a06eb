"""Two versions on the photos that sellers sent: the one's answers and those that the other gave in shadow.

Only photos that came after both versions were made are counted, and no pixels that were an example before:
neither has learned from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from shared.datasets.labels import NO_CATEGORY
from shared.models import registry
from shared.models.comparison import Outcome
from shared.reviewing.store import Stream
from shared.tables import Example, Photo, Prediction, Review
from shared.tables.base import id_at

# Enough to see in which categories two versions differ, without a table of hundreds.
MOST_DIFFERENCES = 10


@dataclass(frozen=True, slots=True)
class Difference:
    """On how many photos the first version said one category and the second another one."""

    answer_a: str
    answer_b: str
    count: int


@dataclass(frozen=True, slots=True)
class LiveComparison:
    """Version `a` and version `b` on the photos since `since` that both have answered.

    `sampled` counts those that reviewers were shown at random: a fair estimate. `labelled` counts all that
    anybody labelled; sellers saw one version's suggestion when they chose, which speaks for that version.
    None where there are no labels yet.
    """

    a: int
    b: int
    since: datetime
    count: int
    same: int
    differences: list[Difference]
    sampled: Outcome | None
    labelled: Outcome | None


_A, _B, _KNOWN = aliased(Prediction), aliased(Prediction), aliased(Example)
_DIFFER = _A.category != _B.category


def compare_live(session: Session, a: int, b: int) -> LiveComparison:
    """What two versions answered for the same photos of sellers, and who was right as far as that is known.

    Raises:
        NotFoundError: there is no such version.
    """
    since = max(registry.find(session, number).created_at for number in (a, b))
    both = _both(a, b, since)
    count, same = session.execute(both.with_only_columns(func.count(), _count(~_DIFFER))).one()
    sampled = both.join(Review, Review.photo_id == _A.photo_id).where(
        Review.stream == Stream.SAMPLE, Review.undone_at.is_(None), Review.label.not_in(NO_CATEGORY)
    )
    labelled = both.join(Example, Example.digest == Photo.digest)
    return LiveComparison(
        a=a,
        b=b,
        since=since,
        count=count,
        same=same,
        differences=_differences(session, both),
        sampled=_outcome(session, sampled, Review.label),
        labelled=_outcome(session, labelled, Example.label),
    )


def _both(a: int, b: int, since: datetime) -> Select[int]:
    """Ids of photos are made in the order of time, so that the index over them leads to the new ones."""
    known = select(_KNOWN.digest).where(_KNOWN.digest == Photo.digest, _KNOWN.created_at < since)
    return (
        select(func.count())
        .select_from(_A)
        .join(_B, _B.photo_id == _A.photo_id)
        .join(Photo, Photo.id == _A.photo_id)
        .where(_A.model_version == a, _B.model_version == b, _A.photo_id >= id_at(since), ~known.exists())
    )


def _differences(session: Session, both: Select[int]) -> list[Difference]:
    pairs = (
        both.with_only_columns(_A.category, _B.category, func.count())
        .where(_DIFFER)
        .group_by(_A.category, _B.category)
        .order_by(func.count().desc(), _A.category, _B.category)
        .limit(MOST_DIFFERENCES)
    )
    return [Difference(*row) for row in session.execute(pairs)]


def _outcome(session: Session, both: Select[int], label: InstrumentedAttribute[str]) -> Outcome | None:
    right_a, right_b = _A.category == label, _B.category == label
    counts = both.with_only_columns(
        func.count(),
        _count(right_a & right_b),
        _count(~right_a & right_b),
        _count(right_a & ~right_b),
        _count(~right_a & ~right_b),
    )
    found = Outcome(*session.execute(counts).one())
    return found if found.count else None


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)
