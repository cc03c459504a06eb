"""Everything that belongs to one person, read piece by piece for an export of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from shared.clock import rfc3339
from shared.database import Database
from shared.models import activation_map
from shared.tables import (
    Batch,
    BatchItem,
    CategoryChoice,
    Job,
    Listing,
    ListingPhoto,
    Photo,
    Prediction,
    Review,
    WebhookEndpoint,
)

# Rows read at once.
PAGE = 500

Describe = Callable[[Any], dict[str, Any]]


def photos(database: Database, owner_id: str) -> Iterator[Photo]:
    """Somebody's photos, oldest first."""
    return _rows(database, select(Photo).where(Photo.owner_id == owner_id), Photo.id)


def lines(database: Database, owner_id: str) -> dict[str, Iterator[dict[str, Any]]]:
    """What is known about somebody's photos, and what they said about others': plain values by kind."""
    jobs = select(Job).where(Job.owner_id == owner_id)
    predictions = select(Prediction).join(Photo).where(Photo.owner_id == owner_id)
    batches = select(Batch).where(Batch.owner_id == owner_id)
    listings = select(Listing).where(Listing.owner_id == owner_id)
    mine = or_(Photo.owner_id == owner_id, Review.reviewer_id == owner_id)
    reviews = select(Review).join(Photo).where(mine)
    webhooks = select(WebhookEndpoint).where(WebhookEndpoint.owner_id == owner_id)
    return {
        "photos": map(_photo, photos(database, owner_id)),
        "jobs": map(_job, _rows(database, jobs, Job.id)),
        "predictions": map(_prediction, _rows(database, predictions, Prediction.id)),
        "listings": (_listing(database, listing) for listing in _rows(database, listings, Listing.id)),
        "reviews": (_review(row, owner_id) for row in _rows(database, reviews, Review.id)),
        "batches": (_batch(database, batch) for batch in _rows(database, batches, Batch.id)),
        "webhooks": map(_webhook, _rows(database, webhooks, WebhookEndpoint.id)),
    }


def _rows(database: Database, query: Select[Any], key: Any) -> Iterator[Any]:
    """All rows of a query in the order of their ids, in short transactions."""
    after = ""
    while True:
        with database.read() as session:
            page = _page(session, query.where(key > after).order_by(key).limit(PAGE))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def _page(session: Session, query: Select[Any]) -> list[Any]:
    return list(session.scalars(query))


def _photo(photo: Photo) -> dict[str, Any]:
    return {
        "id": photo.id,
        "name": photo.name,
        "file": photo_file(photo),
        "width": photo.width,
        "height": photo.height,
        "bytes": photo.size,
        "sha256": photo.digest,
        "created_at": rfc3339(photo.created_at),
    }


def photo_file(photo: Photo) -> str:
    """Where a photo is in an export."""
    return f"photos/{photo.id}.jpg"


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind.value,
        "state": job.state.value,
        "photo_id": job.photo_id,
        "result": job.result,
        "error_code": job.error_code,
        "error_message": job.error_message,
        "created_at": rfc3339(job.created_at),
        "finished_at": rfc3339(job.finished_at),
    }


def _prediction(prediction: Prediction) -> dict[str, Any]:
    return {
        "photo_id": prediction.photo_id,
        "model_version": prediction.model_version,
        "category": prediction.category,
        "confidence": prediction.confidence,
        "decision": prediction.decision,
        "top": prediction.top,
        "map": activation_map.rows(prediction.activation_map) if prediction.activation_map else None,
        "created_at": rfc3339(prediction.created_at),
    }


def _review(review: Review, owner_id: str) -> dict[str, Any]:
    """Who else reviewed a photo is not told."""
    return {
        "photo_id": review.photo_id,
        "by_you": review.reviewer_id == owner_id,
        "label": review.label,
        "suggested": review.suggested,
        "model_version": review.model_version,
        "created_at": rfc3339(review.created_at),
        "undone_at": rfc3339(review.undone_at),
    }


def _batch(database: Database, batch: Batch) -> dict[str, Any]:
    with database.read() as session:
        items = session.scalars(
            select(BatchItem).where(BatchItem.batch_id == batch.id).order_by(BatchItem.position)
        )
        files = [{"name": item.name, "job_id": item.job_id, "error_code": item.error_code} for item in items]
    return {"id": batch.id, "created_at": rfc3339(batch.created_at), "files": files}


def _webhook(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Its secret is shown once, and to nobody again."""
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "active": endpoint.active,
        "created_at": rfc3339(endpoint.created_at),
    }


def _listing(database: Database, listing: Listing) -> dict[str, Any]:
    shown = select(ListingPhoto.photo_id).where(ListingPhoto.listing_id == listing.id)
    made = select(CategoryChoice).where(CategoryChoice.listing_id == listing.id)
    with database.read() as session:
        photo_ids = list(session.scalars(shown.order_by(ListingPhoto.position, ListingPhoto.photo_id)))
        choices = [_choice(choice) for choice in session.scalars(made.order_by(CategoryChoice.id))]
    return {
        "id": listing.id,
        "title": listing.title,
        "category": listing.chosen,
        "photos": photo_ids,
        "choices": choices,
        "created_at": rfc3339(listing.created_at),
        "removed_at": rfc3339(listing.removed_at),
    }


def _choice(choice: CategoryChoice) -> dict[str, Any]:
    return {
        "category": choice.chosen,
        "suggested": choice.suggested,
        "confidence": choice.confidence,
        "model_version": choice.model_version,
        "created_at": rfc3339(choice.created_at),
    }
