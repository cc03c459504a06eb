"""Rows and pictures with sane defaults."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import update

from shared import accounts
from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.listings import store as listings
from shared.models import registry
from shared.models.answer import KEPT_COUNT, top_k
from shared.models.evaluation import wilson_interval
from shared.models.feature_space import FEATURE_COUNT, FeatureSpace
from shared.models.head import Head
from shared.photos import predictions
from shared.photos import store as photos
from shared.photos.intake import prepare
from shared.tables import Job, Listing, ModelVersion, Photo, User

CLASSES = ["dress", "hat", "shirt"]
UPPER_MIDDLE = bytes([0, 255, 0, 0, 51, 0, 0, 0, 0])


def add_user(database: Database, name: str = "Sam", role: str = "seller") -> User:
    """A person."""
    with database.write() as session:
        return accounts.add_user(session, name, role)


def add_key(database: Database, user: User, *scopes: str) -> str:
    """The text of a new API key."""
    with database.write() as session:
        return accounts.create_key(session, user.id, "test", list(scopes))[1]


def add_job(database: Database, kind: JobKind = JobKind.CLASSIFY, **fields: Any) -> Job:
    """A queued job."""
    with database.write() as session:
        return store.create(session, kind, **fields)


def add_answered(
    database: Database,
    category: str = "hat",
    *,
    decision: str = "suggest",
    version: int = 1,
    waited: timedelta = timedelta(seconds=1),
    ended: datetime | None = None,
    **fields: Any,
) -> Job:
    """A photo's job that a worker took and answered, `waited` after it was made."""
    job = add_job(database, **fields)
    end = ended or utc_now()
    answer = {
        "category": category,
        "confidence": 0.9,
        "decision": decision,
        "top": [],
        "model_version": version,
    }
    with database.write() as session:
        store.claim(session, JobKind.CLASSIFY, "w", 1, job.id)
        store.succeed(session, job.id, 1, {**answer, "model_version": version})
        session.execute(update(Job).where(Job.id == job.id).values(created_at=end - waited, finished_at=end))
    return job


def add_failures(
    database: Database,
    count: int = 1,
    code: str = "blob_missing",
    *,
    state: JobState = JobState.FAILED,
    kind: JobKind = JobKind.CLASSIFY,
    **fields: Any,
) -> list[Job]:
    """Jobs that ended with an error."""
    ends = {"state": state, "attempt": 3, "error_code": code, "error_message": f"About {code}."}
    with database.write() as session:
        jobs = [Job(kind=kind, **{**ends, "finished_at": utc_now(), **fields}) for _ in range(count)]
        session.add_all(jobs)
    return jobs


def picture(seed: int = 0, size: tuple[int, int] = (96, 128), kind: str = "JPEG", **options: Any) -> bytes:
    """An encoded picture of coloured blocks; every seed gives another one."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def add_photo(database: Database, blobs: BlobStore, user: User, seed: int = 0) -> Photo:
    """A stored photo."""
    prepared = prepare(picture(seed))
    prepared.store(blobs)
    with database.write() as session:
        return photos.ensure(session, user.id, prepared, f"photo-{seed}.jpg")[0]


def add_answer(database: Database, photo: Photo, version: ModelVersion, **probabilities: float) -> None:
    """What a version answered for a photo: `hat=0.9, shirt=0.1`, classes left out are impossible. It saw that
    in the upper middle."""
    row = np.array([probabilities.get(name, 0.0) for name in version.classes])
    answer = {**top_k(row, version.classes, KEPT_COUNT).model_dump(), "activation_map": UPPER_MIDDLE}
    with database.write() as session:
        predictions.remember(session, photo.id, version.number, "openvino", answer)


def add_answered_job(database: Database, photo: Photo, version: ModelVersion, **probabilities: float) -> Job:
    """The job of a photo that a version has answered, as `add_answer` says."""
    add_answer(database, photo, version, **probabilities)
    with database.write() as session:
        result = predictions.result(session, photo.id, version.number) or {}
        return store.create_answered(
            session, JobKind.CLASSIFY, owner_id=photo.owner_id, photo_id=photo.id, result=result
        )


def add_listing(database: Database, owner: User, *photos: Photo, title: str = "") -> Listing:
    """A listing with photos."""
    with database.write() as session:
        return listings.create(session, owner.id, title, [photo.id for photo in photos])


def random_head(classes: int = len(CLASSES), seed: int = 0) -> Head:
    """A head without a hidden layer and with random weights, large enough that answers differ."""
    generator = np.random.default_rng(seed)
    kernel = generator.normal(0, 0.2, (FEATURE_COUNT, classes)).astype(np.float32)
    return Head(kernel, np.zeros(classes, dtype=np.float32))


def add_version(
    database: Database,
    blobs: BlobStore,
    base_digest: str = "0" * 64,
    image_size: int = 71,
    seed: int = 0,
    metrics: dict[str, Any] | None = None,
    lineage: dict[str, Any] | None = None,
) -> ModelVersion:
    """A registered version with a random head and the figures of one that was evaluated."""
    head = random_head(seed=seed)
    registry.store_head(blobs, head)
    new = registry.NewVersion(
        classes=CLASSES,
        space=FeatureSpace(base_digest, image_size),
        head_digest=head.digest,
        metrics={"validation": EVALUATION, "test": EVALUATION} if metrics is None else metrics,
        lineage={"parameters": {}, "libraries": {}, "dataset_digest": "1" * 64, **(lineage or {})},
    )
    with database.write() as session:
        return registry.add(session, new)


def add_champion(database: Database, blobs: BlobStore, **fields: Any) -> ModelVersion:
    """A registered version that answers sellers."""
    version = add_version(database, blobs, **fields)
    with database.write() as session:
        registry.promote(session, version.number, "Ada", "The best we have.")
    return version


def _class_figures(name: str, right: int, answered: int) -> dict[str, Any]:
    return {
        "category": name,
        "support": 40,
        "precision": right / answered,
        "recall": right / 40,
        "f1": 2 * right / (40 + answered),
        "recall_interval": list(wilson_interval(right, 40)),
    }


# 120 test photos, 100 of them right: enough for the gate to judge by.
EVALUATION: dict[str, Any] = {
    "count": 120,
    "accuracy": 100 / 120,
    "interval": list(wilson_interval(100, 120)),
    "per_class": [
        _class_figures("dress", 40, 40),
        _class_figures("hat", 40, 60),
        _class_figures("shirt", 20, 20),
    ],
    "confusion": [[40, 0, 0], [0, 40, 0], [0, 20, 20]],
    "expected_calibration_error": 0.05,
    "log_loss": 0.5,
}
