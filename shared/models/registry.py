"""Model versions and the aliases that decide which of them answers. All version SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Action
from shared.blobs import BlobStore, head_key
from shared.errors import (
    BlobMissingError,
    ChecksumError,
    ConflictError,
    NoChampionError,
    NotFoundError,
    ValidationError,
)
from shared.models import evaluated
from shared.models.evaluated import Answers
from shared.models.feature_space import FeatureSpace
from shared.models.head import Head
from shared.models.layers import load_layers
from shared.tables import MAX_INTEGER, Alias, AliasChange, ModelVersion
from shared.webhooks import outbox

CHAMPION = "champion"
MAX_REASON_CHARACTERS = 500


class DiagnosticVersionError(ConflictError):
    """This version is for looking at only. It can be tried on photos, and never answers sellers."""

    code = "diagnostic_version"


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a version consists of before it has a number. Its blobs must be stored already."""

    classes: list[str]
    space: FeatureSpace
    head_digest: str
    metrics: dict[str, Any]
    lineage: dict[str, Any]
    job_id: str | None = None
    test_answers: Answers | None = None
    diagnostic: bool = False


def add(session: Session, new: NewVersion) -> ModelVersion:
    """Register a version under the next number."""
    version = ModelVersion(
        classes=new.classes,
        base_digest=new.space.base_digest,
        image_size=new.space.image_size,
        preprocessing=new.space.preprocessing,
        feature_space=new.space.key,
        head_digest=new.head_digest,
        layers_digest=new.space.layers_digest or None,
        metrics=new.metrics,
        lineage=new.lineage,
        job_id=new.job_id,
        diagnostic=new.diagnostic,
    )
    session.add(version)
    session.flush()
    if new.test_answers is not None:
        evaluated.record(session, version.number, new.test_answers, new.classes)
    return version


def versions(session: Session) -> list[ModelVersion]:
    """All versions, newest first."""
    return list(session.scalars(select(ModelVersion).order_by(ModelVersion.number.desc())))


def find(session: Session, number: int) -> ModelVersion:
    """The version with this number.

    Raises:
        NotFoundError: there is none.
    """
    version = session.get(ModelVersion, number) if 0 < number <= MAX_INTEGER else None
    if version is None:
        raise NotFoundError(f"There is no version {number}.")
    return version


def find_trained(session: Session, number: int) -> ModelVersion:
    """The version with this number, if it was trained to answer sellers.

    Raises:
        NotFoundError: there is none.
        DiagnosticVersionError: it is one for looking at only.
    """
    version = find(session, number)
    if version.diagnostic:
        raise DiagnosticVersionError(
            f"Version {number} is for looking at only: it can be tried on photos, and never answers sellers."
        )
    return version


def layers_in_use(session: Session, digests: Collection[str]) -> set[str]:
    """Those of `digests` that are fine-tuned layers of a version."""
    query = select(ModelVersion.layers_digest).where(ModelVersion.layers_digest.in_(digests))
    return {digest for digest in session.scalars(query) if digest is not None}


def champion(session: Session) -> ModelVersion | None:
    """The version that answers sellers, if one does."""
    return session.scalar(select(ModelVersion).join(Alias).where(Alias.name == CHAMPION))


def require_champion(session: Session) -> ModelVersion:
    """The version that answers sellers.

    Raises:
        NoChampionError: none does.
    """
    version = champion(session)
    if version is None:
        raise NoChampionError
    return version


def aliases(session: Session) -> dict[str, int]:
    """Every alias and the version it names."""
    return {alias.name: alias.version for alias in session.scalars(select(Alias).order_by(Alias.name))}


def promote(
    session: Session,
    number: int,
    actor: str,
    reason: str,
    gate: dict[str, Any] | None = None,
    action: Action = Action.PROMOTED,
) -> AliasChange:
    """Let a version answer sellers from now on, and remember who decided it, why, and what the gate said.
    `action` is what the audit log calls it.

    Raises:
        NotFoundError: there is no such version.
        ValidationError: the reason is missing or too long.
    """
    change = move(session, CHAMPION, number, actor, reason, gate)
    outbox.version_promoted(session, change)
    details: dict[str, Any] = {"before": change.before, "reason": change.reason}
    if gate and gate["overridden"]:
        details["overridden"] = [check["name"] for check in gate["checks"] if not check["passed"]]
    audit.record(session, actor, action, f"version {number}", details)
    return change


def move(
    session: Session, name: str, number: int, actor: str, reason: str, gate: dict[str, Any] | None = None
) -> AliasChange:
    """Let an alias name a version, whether there was one of this name before or not.

    Raises:
        NotFoundError: there is no such version.
        DiagnosticVersionError: it is one for looking at only.
        ValidationError: the reason is missing or too long.
    """
    reason = checked_reason(reason)
    version = find_trained(session, number)
    alias = session.get(Alias, name, with_for_update=True)
    before = alias.version if alias else None
    if alias is None:
        session.add(Alias(name=name, version=version.number))
    else:
        alias.version = version.number
    change = AliasChange(
        name=name, before=before, after=version.number, actor=actor, reason=reason, gate=gate
    )
    session.add(change)
    session.flush()
    return change


def checked_reason(reason: str) -> str:
    """The reason without blanks around it.

    Raises:
        ValidationError: it is missing or too long.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_CHARACTERS:
        raise ValidationError(f"Say why, in at most {MAX_REASON_CHARACTERS} characters.")
    return reason


def history(session: Session, alias: str = CHAMPION) -> list[AliasChange]:
    """Every move of an alias, newest first."""
    return list(
        session.scalars(select(AliasChange).where(AliasChange.name == alias).order_by(AliasChange.id.desc()))
    )


def space_of(version: ModelVersion) -> FeatureSpace:
    """The feature space a version's head was trained in."""
    return FeatureSpace(
        version.base_digest, version.image_size, version.preprocessing, version.layers_digest or ""
    )


def checkpoint_name(version: ModelVersion) -> str:
    """What the file of a version's best epoch is called: version, epoch and validation accuracy there."""
    if version.diagnostic:
        return f"xception_v{version.number}_imagenet"
    epoch = int(version.lineage.get("best_epoch", 0))
    accuracy = version.metrics["validation"]["accuracy"]
    return f"xception_v{version.number}_{epoch:02d}_{accuracy:.3f}"


def load_head(blobs: BlobStore, version: ModelVersion) -> Head:
    """The version's head, after its digest was checked.

    Raises:
        BlobMissingError: its file is gone.
        ChecksumError: its file is not the one that was registered.
    """
    return Head.from_bytes(blobs.get(head_key(version.head_digest)), version.head_digest)


def require_intact(blobs: BlobStore, version: ModelVersion) -> None:
    """Check that the version could serve, before it is asked to.

    Raises:
        ChecksumError: a file of it is gone, or not the one that was registered.
    """
    try:
        load_head(blobs, version)
        if version.layers_digest is not None:
            load_layers(blobs, version.layers_digest)
    except (BlobMissingError, ChecksumError) as error:
        raise ChecksumError(
            f"A file of version {version.number} is gone or differs from what was registered. "
            "Restore it from a backup, or train the version again."
        ) from error


def store_head(blobs: BlobStore, head: Head) -> str:
    """Store a head under its digest, and return that."""
    data = head.to_bytes()
    blobs.put(head_key(head.digest), data)
    return head.digest
