"""What reviews say: how accurate a version is, how far people agree, how much there is to learn."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, not_, select, union
from sqlalchemy.orm import Session

from shared.datasets.labels import NO_CATEGORY
from shared.jobs.states import ACTIVE, JobKind, Split
from shared.models.evaluation import Interval, wilson_interval
from shared.reviewing.store import Stream
from shared.tables import (
    DatasetExample,
    DatasetVersion,
    Example,
    Job,
    Listing,
    ListingPhoto,
    ModelVersion,
    Review,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of how many."""

    right: int
    total: int

    @property
    def share(self) -> float | None:
        """The share, or None when there is nothing to count."""
        return self.right / self.total if self.total else None

    @property
    def interval(self) -> Interval | None:
        """Its 95 % interval."""
        return wilson_interval(self.right, self.total) if self.total else None


def accuracy(session: Session, version: int) -> Tally:
    """How often a version is right, by the photos that were drawn at random and show one item of its list.

    Hard photos are not preferred here, so that the share is an unbiased estimate for the photos it answered.
    """
    of_the_list = (*_drawn_at_random(version), Review.label.not_in(NO_CATEGORY))
    return _tally(session, Review.label == Review.suggested, select().where(*of_the_list))


def outside_list(session: Session, version: int) -> Tally:
    """How many of the photos drawn at random show nothing of the list, or several items."""
    return _tally(session, Review.label.in_(NO_CATEGORY), select().where(*_drawn_at_random(version)))


def agreement(session: Session) -> Tally:
    """How often the first two reviewers of a photo said the same."""
    place = func.row_number().over(partition_by=Review.photo_id, order_by=Review.id)
    answers = (
        select(Review.photo_id, Review.label, place.label("place"))
        .where(Review.undone_at.is_(None))
        .subquery()
    )
    same = func.min(answers.c.label) == func.max(answers.c.label)
    pairs = (
        select(same.label("same"))
        .where(answers.c.place <= 2)
        .group_by(answers.c.photo_id)
        .having(func.count() == 2)
        .subquery()
    )
    return _tally(session, pairs.c.same, select().select_from(pairs))


def agreement_with_sellers(session: Session) -> Tally:
    """How often a reviewer said what the seller chose for the listing of the photo."""
    reviews = (
        select()
        .select_from(Review)
        .join(ListingPhoto, ListingPhoto.photo_id == Review.photo_id)
        .join(Listing, Listing.id == ListingPhoto.listing_id)
        .where(Review.undone_at.is_(None), Listing.chosen.is_not(None), Listing.removed_at.is_(None))
    )
    return _tally(session, Review.label == Listing.chosen, reviews)


def new_labels(session: Session) -> int:
    """How many training photos have a label that no version has learned from.

    What a training that waits or runs will learn from is not new either.
    """
    digest_of = ModelVersion.lineage["dataset_digest"].as_string()
    by_versions = (
        select(DatasetVersion.number)
        .join(ModelVersion, digest_of == DatasetVersion.digest)
        .where(ModelVersion.diagnostic.is_(False))
    )
    on_its_way = select(Job.payload["dataset_version"].as_integer()).where(
        Job.kind.in_((JobKind.TRAIN, JobKind.SWEEP)), Job.state.in_(ACTIVE)
    )
    known = (
        select(DatasetExample.digest)
        .where(
            DatasetExample.dataset_version.in_(union(by_versions, on_its_way)),
            DatasetExample.digest == Example.digest,
            DatasetExample.label == Example.label,
        )
        .exists()
    )
    wanted = select(func.count()).select_from(Example).where(Example.split == Split.TRAIN, not_(known))
    return session.scalar(wanted) or 0


def _drawn_at_random(version: int) -> tuple[ColumnElement[bool], ...]:
    return (
        Review.model_version == version,
        Review.stream == Stream.SAMPLE,
        Review.undone_at.is_(None),
    )


def _tally(session: Session, right: ColumnElement[bool], rows: Select[()]) -> Tally:
    """How many of the rows are right, counted by the database."""
    return Tally(*session.execute(rows.add_columns(func.count().filter(right), func.count())).one())
