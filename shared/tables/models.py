"""Model versions, the names that point at them, and the figures of trainings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.tables.base import Base


class ModelVersion(Base):
    """A trained head, perhaps with layers of its own, and everything to serve, judge and make it again."""

    __tablename__ = "model_version"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    classes: Mapped[list[Any]]
    base_digest: Mapped[str] = mapped_column(String(64))
    image_size: Mapped[int]
    preprocessing: Mapped[int]
    feature_space: Mapped[str] = mapped_column(String(80))
    head_digest: Mapped[str] = mapped_column(String(64))
    layers_digest: Mapped[str | None] = mapped_column(
        String(64)
    )  # of fine-tuned layers, where there are some
    metrics: Mapped[dict[str, Any]]
    lineage: Mapped[dict[str, Any]]
    job_id: Mapped[str | None] = mapped_column(ForeignKey("job.id"), unique=True)
    diagnostic: Mapped[bool] = mapped_column(default=False, server_default=false())  # never answers sellers


class Alias(Base):
    """A movable name for a version; `champion` answers sellers."""

    __tablename__ = "alias"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[int] = mapped_column(ForeignKey("model_version.number"))


class AliasChange(Base):
    """Who moved an alias where, when and why."""

    __tablename__ = "alias_change"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(60), index=True)
    before: Mapped[int | None]
    after: Mapped[int | None]  # None: the alias was taken away
    actor: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(500))
    gate: Mapped[dict[str, Any] | None]  # shared.models.gate.Verdict, where the gate was asked
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class VersionNote(Base):
    """What a person wrote down about a version. Notes are added, never changed."""

    __tablename__ = "version_note"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    version: Mapped[int] = mapped_column(ForeignKey("model_version.number"), index=True)
    author: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class EvaluatedPhoto(Base):
    """What a version answered for one photo on the test side of a dataset version, when it was evaluated."""

    __tablename__ = "evaluated_photo"

    version: Mapped[int] = mapped_column(ForeignKey("model_version.number"), primary_key=True)
    dataset_version: Mapped[int] = mapped_column(ForeignKey("dataset_version.number"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    truth: Mapped[str] = mapped_column(String(80))
    answer: Mapped[str] = mapped_column(String(80))
    confidence: Mapped[float]  # the calibrated probability of the answer
    nearest: Mapped[list[Any] | None]  # training photos, `shared.models.evaluated.Neighbour`, of mistakes

    __table_args__ = (Index("ix_evaluated_photo_cell", "version", "dataset_version", "truth", "answer"),)


class TrainingEpoch(Base):
    """The figures of one epoch of a training job, written as it runs."""

    __tablename__ = "training_epoch"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    loss: Mapped[float]
    accuracy: Mapped[float]
    val_loss: Mapped[float]
    val_accuracy: Mapped[float]
    seconds: Mapped[float]
