"""The starter version: one trained head that comes with the repository, so that a first photo gets a real
answer before anybody has trained anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.blobs import BlobStore
from shared.database import Database
from shared.errors import ValidationError
from shared.models import registry
from shared.models.card import model_card
from shared.models.feature_space import FeatureSpace
from shared.models.head import Head
from shared.settings import Settings
from shared.tables import ModelVersion

STARTER = Path(__file__).resolve().parents[2] / "starter"
HEAD_FILE = "head.npz"
FACTS_FILE = "version.json"
CARD_FILE = "MODEL_CARD.md"


def ensure_starter(settings: Settings, directory: Path = STARTER) -> int | None:
    """Register the starter as version 1 and champion when there is no version at all.

    Returns its number, or None when there was nothing to do or it does not fit the base weights in use.

    Raises:
        ChecksumError: the head file is not the one its facts name.
    """
    database = Database(settings.database_url)
    try:
        return _ensure(database, BlobStore(settings.blob_url), settings, directory)
    finally:
        database.close()


def _ensure(database: Database, blobs: BlobStore, settings: Settings, directory: Path) -> int | None:
    facts_path = directory / FACTS_FILE
    with database.read() as session:
        if registry.versions(session) or not facts_path.is_file():
            return None
    facts = json.loads(facts_path.read_text())
    space = FeatureSpace(**facts["feature_space"])
    if space.base_digest != settings.base_weights_digest:
        return None
    head = Head.from_bytes((directory / HEAD_FILE).read_bytes(), facts["head_digest"])
    registry.store_head(blobs, head)
    new = registry.NewVersion(
        classes=facts["classes"],
        space=space,
        head_digest=head.digest,
        metrics=facts["metrics"],
        lineage={**facts["lineage"], "starter": True},
    )
    with database.write() as session:
        if registry.versions(session):  # somebody was quicker
            return None
        version = registry.add(session, new)
        registry.promote(session, version.number, "hangtag", "The starter version that comes with Hangtag.")
        return version.number


def export_starter(settings: Settings, number: int, directory: Path) -> None:
    """Write a version as head, facts and model card into a folder.

    Raises:
        NotFoundError: there is no such version.
        ValidationError: it has fine-tuned layers, which are too large to come with a repository.
        ChecksumError: its head file is damaged.
    """
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            version = registry.find(session, number)
    finally:
        database.close()
    if version.diagnostic:
        raise ValidationError(f"Version {number} is for looking at only; trained versions are exported.")
    if version.layers_digest is not None:
        raise ValidationError(f"Version {number} has fine-tuned layers of its own; only heads are exported.")
    head = registry.load_head(BlobStore(settings.blob_url), version)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / HEAD_FILE).write_bytes(head.to_bytes())
    (directory / FACTS_FILE).write_text(json.dumps(_facts(version), indent=1, sort_keys=True) + "\n")
    (directory / CARD_FILE).write_text(model_card(version))


def _facts(version: ModelVersion) -> dict[str, Any]:
    return {
        "classes": version.classes,
        "feature_space": {
            "base_digest": version.base_digest,
            "image_size": version.image_size,
            "preprocessing": version.preprocessing,
        },
        "head_digest": version.head_digest,
        "metrics": version.metrics,
        "lineage": version.lineage,
    }
