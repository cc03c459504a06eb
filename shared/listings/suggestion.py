"""What is suggested for a listing: the answers for its photos, pooled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.models import registry
from shared.models.answer import Answer, Ranked
from shared.models.pooling import pooled
from shared.tables import AliasChange, ListingPhoto, ModelVersion, Prediction


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The pooled answer for a listing; its `top` ranks every category.

    `model_version` is the newest version that answered one of the photos. `differing` names the photos that
    by themselves stand for another category, and that category.
    """

    answer: Answer
    model_version: int
    photo_count: int
    differing: dict[str, str]


def suggestions(session: Session, listing_ids: Collection[str]) -> dict[str, Suggestion]:
    """What is suggested for each of these listings. Those without an answered photo are left out."""
    answers = _answers(session, listing_ids)
    versions = {prediction.model_version for rows in answers.values() for prediction in rows}
    found = session.execute(
        select(ModelVersion.number, ModelVersion.classes).where(ModelVersion.number.in_(versions))
    )
    classes: dict[int, list[str]] = {number: list(names) for number, names in found}
    return {listing_id: _pool(rows, classes) for listing_id, rows in answers.items()}


def _pool(predictions: list[Prediction], classes: dict[int, list[str]]) -> Suggestion:
    versions = sorted({prediction.model_version for prediction in predictions}, reverse=True)
    categories = list(dict.fromkeys(name for version in versions for name in classes[version]))
    ranked = [[Ranked(**entry) for entry in prediction.top] for prediction in predictions]
    answer = pooled(ranked, categories)
    differing = {
        prediction.photo_id: prediction.category
        for prediction in predictions
        if prediction.category != answer.category
    }
    return Suggestion(answer, versions[0], len(predictions), differing)


def _answers(session: Session, listing_ids: Collection[str]) -> dict[str, list[Prediction]]:
    """Per listing an answer for each photo: the champion's, else the newest of a former champion."""
    champion = registry.champion(session)
    champions = select(AliasChange.after).where(AliasChange.name == registry.CHAMPION)
    rows = session.execute(
        select(ListingPhoto.listing_id, Prediction)
        .join(Prediction, Prediction.photo_id == ListingPhoto.photo_id)
        .where(ListingPhoto.listing_id.in_(listing_ids), Prediction.model_version.in_(champions))
        .order_by(ListingPhoto.position, Prediction.created_at)
    )
    best: dict[str, dict[str, Prediction]] = defaultdict(dict)
    for listing_id, prediction in rows:
        known = best[listing_id].get(prediction.photo_id)
        if known is None or champion is None or known.model_version != champion.number:
            best[listing_id][prediction.photo_id] = prediction
    return {listing_id: list(photos.values()) for listing_id, photos in best.items()}
