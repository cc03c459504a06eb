"""All review SQL: answer, take back."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.datasets import labels
from shared.errors import NotFoundError
from shared.tables import Photo, Prediction, Review

# A photo's id is a UUID version 7; its last digits are random, so they draw samples that nothing can bias.
SAMPLE_DIGITS = "012"  # of the last digit: 3 photos in 16 are kept for the estimate of accuracy
SECOND_DIGITS = "01"  # of the last digit but one: 1 photo in 8 gets a second opinion


class Stream(StrEnum):
    """Why a photo is shown to a reviewer."""

    USEFUL = "useful"  # a label for it teaches the next version most
    SAMPLE = "sample"  # drawn at random, for an unbiased estimate of accuracy
    SECOND = "second"  # somebody else has answered it; shall tell how far people agree


def in_sample(photo_id: str) -> bool:
    """Whether a photo is only ever shown for the estimate of accuracy, in random order.

    Were it shown among the useful ones as well, hard photos would be answered there first, and what is left
    for the estimate would be too easy.
    """
    return photo_id[-1] in SAMPLE_DIGITS


def wants_second(photo_id: str) -> bool:
    """Whether a photo is one of those that get a second opinion."""
    return photo_id[-2] in SECOND_DIGITS


def find(session: Session, photo_id: str, version: int) -> tuple[Photo, Prediction]:
    """A photo that can be reviewed, and what this version answered for it.

    Raises:
        NotFoundError: there is no such photo, or the version has not answered it.
    """
    row = session.execute(
        select(Photo, Prediction)
        .join(Prediction, Prediction.photo_id == Photo.id)
        .where(Photo.id == photo_id, Prediction.model_version == version)
    ).first()
    if row is None:
        raise NotFoundError("There is no photo to review with this id.")
    return row[0], row[1]


def answer(session: Session, reviewer_id: str, photo_id: str, version: int, label: str) -> Review:
    """Write down what a reviewer says a photo shows. An earlier answer of theirs for it is taken back.

    Raises:
        NotFoundError: there is no such photo to review.
        ValidationError: the label is neither a category nor one of the other answers.
    """
    labels.check_answer(session, label)
    photo, prediction = find(session, photo_id, version)
    # One after the other: of two answers of a reviewer for a photo, sent at once, one stands.
    session.execute(select(Photo.id).where(Photo.id == photo_id).with_for_update())
    session.execute(
        update(Review)
        .where(Review.photo_id == photo_id, Review.reviewer_id == reviewer_id, Review.undone_at.is_(None))
        .values(undone_at=utc_now())
    )
    review = Review(
        photo_id=photo_id,
        reviewer_id=reviewer_id,
        stream=_stream(session, photo_id),
        label=label,
        suggested=prediction.category,
        model_version=version,
    )
    session.add(review)
    session.flush()
    labels.settle(session, photo.digest)
    return review


def last(session: Session, reviewer_id: str) -> Review | None:
    """A reviewer's last answer that still stands."""
    return session.scalar(_standing(reviewer_id).limit(1))


def answered(session: Session, reviewer_id: str, photo_id: str) -> tuple[Review, Photo, Prediction]:
    """What a reviewer said about a photo, the photo, and the version's answer that they reviewed.

    Raises:
        NotFoundError: they have not answered it, or took their answer back.
    """
    review = session.scalar(_standing(reviewer_id).where(Review.photo_id == photo_id).limit(1))
    if review is None:
        raise NotFoundError("Say what this photo shows first. Then you see what the version answered.")
    return review, *find(session, photo_id, review.model_version)


def undo(session: Session, reviewer_id: str) -> Review | None:
    """Take back a reviewer's last answer that still stands. Returns it, or None when there is none."""
    review = last(session, reviewer_id)
    if review is None:
        return None
    review.undone_at = utc_now()
    session.flush()
    labels.settle(session, session.get_one(Photo, review.photo_id).digest)
    return review


def _standing(reviewer_id: str) -> Select[Review]:
    """A reviewer's answers that stand, the last one first."""
    own = select(Review).where(Review.reviewer_id == reviewer_id, Review.undone_at.is_(None))
    return own.order_by(Review.id.desc())


def _stream(session: Session, photo_id: str) -> Stream:
    standing = select(Review.id).where(Review.photo_id == photo_id, Review.undone_at.is_(None)).limit(1)
    if session.scalar(standing) is not None:
        return Stream.SECOND
    return Stream.SAMPLE if in_sample(photo_id) else Stream.USEFUL
