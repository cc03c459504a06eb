"""What reviews say: how accurate a version is, how far people agree, how much there is to learn."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import func, not_, select, union
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
    rows = session.execute(
        select(Review.label, Review.suggested).where(
            Review.model_version == version,
            Review.stream == Stream.SAMPLE,
            Review.label.not_in(NO_CATEGORY),
            Review.undone_at.is_(None),
        )
    ).all()
    return Tally(sum(row.label == row.suggested for row in rows), len(rows))


def outside_list(session: Session, version: int) -> Tally:
    """How many of the photos drawn at random show nothing of the list, or several items."""
    rows = session.scalars(
        select(Review.label).where(
            Review.model_version == version, Review.stream == Stream.SAMPLE, Review.undone_at.is_(None)
        )
    ).all()
    return Tally(sum(label in NO_CATEGORY for label in rows), len(rows))


def agreement(session: Session) -> Tally:
    """How often the first two reviewers of a photo said the same."""
    twice = (
        select(Review.photo_id)
        .where(Review.undone_at.is_(None))
        .group_by(Review.photo_id)
        .having(func.count() > 1)
    )
    rows = session.execute(
        select(Review.photo_id, Review.label)
        .where(Review.undone_at.is_(None), Review.photo_id.in_(twice))
        .order_by(Review.id)
    )
    answers: dict[str, list[str]] = defaultdict(list)
    for photo_id, label in rows:
        answers[photo_id].append(label)
    return Tally(sum(given[0] == given[1] for given in answers.values()), len(answers))


def agreement_with_sellers(session: Session) -> Tally:
    """How often a reviewer said what the seller chose for the listing of the photo."""
    rows = session.execute(
        select(Review.label, Listing.chosen)
        .join(ListingPhoto, ListingPhoto.photo_id == Review.photo_id)
        .join(Listing, Listing.id == ListingPhoto.listing_id)
        .where(Review.undone_at.is_(None), Listing.chosen.is_not(None), Listing.removed_at.is_(None))
    ).all()
    return Tally(sum(row.label == row.chosen for row in rows), len(rows))


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
