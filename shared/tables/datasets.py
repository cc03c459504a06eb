"""Examples and the immutable lists of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.jobs.states import Split
from shared.tables.base import Base


class Example(Base):
    """A photo with a label and a split, and where the label came from."""

    __tablename__ = "example"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    split: Mapped[Split]
    source: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class DatasetVersion(Base):
    """An immutable list of examples under the SHA-256 of that list."""

    __tablename__ = "dataset_version"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    classes: Mapped[list[Any]]
    counts: Mapped[dict[str, Any]]  # split -> label -> number of examples
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class DatasetExample(Base):
    """One line of a dataset version. Label and split are copied: later corrections do not reach in here."""

    __tablename__ = "dataset_example"

    dataset_version: Mapped[int] = mapped_column(ForeignKey("dataset_version.number"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    label: Mapped[str] = mapped_column(String(80))
    split: Mapped[Split]


class DatasetReport(Base):
    """What was found out about the photos of a dataset version; the counts are in the version itself."""

    __tablename__ = "dataset_report"

    dataset_version: Mapped[int] = mapped_column(ForeignKey("dataset_version.number"), primary_key=True)
    findings: Mapped[list[Any]]  # of shared.datasets.findings.Finding
    feature_space: Mapped[str | None] = mapped_column(String(80))  # None: no features to compare photos by
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
