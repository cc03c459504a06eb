"""Which photo a reviewer sees next.

Most photos are the useful ones: the champion is torn between two categories (smallest margin: T. Scheffer,
C. Decomain, S. Wrobel, "Active hidden Markov models for information extraction", IDA 2001), of a category
that was reviewed least so far, and not of a listing another photo of which was reviewed. One in five comes
from the random sample, one in five is a second opinion, as long as there are any.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, not_, or_, select
from sqlalchemy.orm import Session

from shared.datasets.labels import IMPORTED, NAMED
from shared.models import registry
from shared.reviewing.store import SAMPLE_DIGITS, Stream, wants_second
from shared.tables import Example, ListingPhoto, Photo, Prediction, Review

SelectT = TypeVar("SelectT", bound=Select[Any])
# So many of the least confident answers are ranked; further ones are surer than all of them.
POOL = 500
# Which stream comes first in each round of five.
ROUND = (Stream.USEFUL, Stream.USEFUL, Stream.SECOND, Stream.USEFUL, Stream.SAMPLE)
UUID_CHARACTERS = 36
RANDOM_TAIL = 29  # where the last eight digits of an id begin; some before them may count within a moment


def upcoming(session: Session, reviewer_id: str, skipped: Collection[str], count: int) -> list[str]:
    """The ids of the next photos for this reviewer, first to last, without those they `skipped`."""
    champion = registry.champion(session)
    if champion is None:
        return []
    done = _count_of(session, reviewer_id)
    found: list[str] = []
    for position in range(done, done + count):
        passed = {*skipped, *found}
        first = ROUND[position % len(ROUND)]
        for stream in dict.fromkeys((first, Stream.USEFUL, Stream.SAMPLE, Stream.SECOND)):
            photo_id = _PICK[stream](session, reviewer_id, champion.number, passed)
            if photo_id is not None:
                found.append(photo_id)
                break
    return found


def _count_of(session: Session, reviewer_id: str) -> int:
    mine = select(func.count()).where(Review.reviewer_id == reviewer_id, Review.undone_at.is_(None))
    return session.scalar(mine) or 0


def _useful(session: Session, reviewer_id: str, version: int, passed: Collection[str]) -> str | None:
    columns = select(Prediction.photo_id, Prediction.category, Prediction.top)
    query = _open(columns, version, passed).where(not_(_sampled()))
    candidates = session.execute(query.order_by(Prediction.confidence).limit(POOL)).all()
    if not candidates:
        return None
    counts = _reviewed_per_category(session, version)
    known = _siblings_reviewed(session, [candidate.photo_id for candidate in candidates])
    best = min(candidates, key=lambda row: (row.photo_id in known, counts[row.category], margin(row.top)))
    return str(best.photo_id)


def _sample(session: Session, reviewer_id: str, version: int, passed: Collection[str]) -> str | None:
    query = _open(select(Prediction.photo_id), version, passed).where(_sampled())
    return session.scalar(query.order_by(func.substr(Prediction.photo_id, RANDOM_TAIL)).limit(1))


def _second(session: Session, reviewer_id: str, version: int, passed: Collection[str]) -> str | None:
    """A photo of the sample for second opinions, or one about which the others do not agree."""
    mine = select(Review.photo_id).where(Review.reviewer_id == reviewer_id, Review.undone_at.is_(None))
    rows = session.execute(
        select(Review.photo_id, Review.label)
        .where(Review.undone_at.is_(None), Review.photo_id.not_in(mine), Review.photo_id.not_in(passed))
        .order_by(Review.id.desc())
        .limit(POOL)
    )
    answers: dict[str, list[str]] = defaultdict(list)
    for photo_id, label in rows:
        answers[photo_id].append(label)
    wanted = [
        photo_id
        for photo_id, given in answers.items()
        if len(set(given)) == len(given) and (len(given) > 1 or wants_second(photo_id))
    ]
    answered = (Prediction.model_version == version, Prediction.photo_id.in_(wanted))
    query = select(Prediction.photo_id).where(*answered)
    return session.scalar(query.order_by(Prediction.photo_id).limit(1))


_PICK = {Stream.USEFUL: _useful, Stream.SAMPLE: _sample, Stream.SECOND: _second}


def margin(top: Sequence[dict[str, Any]]) -> float:
    """How far the two most probable categories are apart, 0 to 1: the smaller, the more a label tells."""
    shares: Sequence[float] = [entry["probability"] for entry in top[:2]]
    return shares[0] - (shares[1] if len(shares) > 1 else 0.0)


def _open(columns: SelectT, version: int, passed: Collection[str]) -> SelectT:
    """What a version answered for photos that nobody has reviewed and that were not imported with a label."""
    reviewed = select(Review.photo_id).where(Review.undone_at.is_(None))
    sources = (Example.source.startswith(prefix, autoescape=True) for prefix in (IMPORTED, NAMED))
    imported = select(Example.digest).where(or_(*sources))
    return columns.join(Photo, Photo.id == Prediction.photo_id).where(
        Prediction.model_version == version,
        Prediction.photo_id.not_in(reviewed),
        Prediction.photo_id.not_in(passed),
        Photo.digest.not_in(imported),
    )


def _sampled() -> ColumnElement[bool]:
    """`shared.reviewing.store.in_sample`, for the database."""
    last = func.substr(Prediction.photo_id, UUID_CHARACTERS, 1)
    return or_(*(last == digit for digit in SAMPLE_DIGITS))


def _reviewed_per_category(session: Session, version: int) -> Counter[str]:
    rows = session.execute(
        select(Review.suggested, func.count().label("reviews"))
        .where(Review.model_version == version, Review.stream == Stream.USEFUL, Review.undone_at.is_(None))
        .group_by(Review.suggested)
    )
    return Counter({row.suggested: row.reviews for row in rows})


def _siblings_reviewed(session: Session, photo_ids: Collection[str]) -> set[str]:
    """Those of the photos that share a listing with one that was reviewed."""
    reviewed = (
        select(ListingPhoto.listing_id)
        .join(Review, Review.photo_id == ListingPhoto.photo_id)
        .where(Review.undone_at.is_(None))
    )
    rows = session.scalars(
        select(ListingPhoto.photo_id).where(
            ListingPhoto.photo_id.in_(photo_ids), ListingPhoto.listing_id.in_(reviewed)
        )
    )
    return set(rows)
