"""What the API says about datasets beyond their versions."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.clock import rfc3339
from shared.datasets.csv_import import CsvReport
from shared.datasets.findings import Finding
from shared.datasets.reports import Report


class DatasetReportOut(BaseModel):
    """What to know about a dataset version before training on it."""

    dataset_version: int
    trainable: bool = Field(description="No finding blocks.")
    findings: list[Finding]
    looked_at: str | None = Field(description="When a job looked at every photo; null when none has.")
    compared: bool = Field(description="Photos were compared with each other, which needs their features.")

    @classmethod
    def of(cls, number: int, report: Report) -> DatasetReportOut:
        """The public view."""
        return cls(
            dataset_version=number,
            trainable=not report.blocking,
            findings=report.findings,
            looked_at=rfc3339(report.looked_at),
            compared=report.compared,
        )


class LineErrorOut(BaseModel):
    """One line that was not taken. Lines count from 1, the header included."""

    line: int
    message: str


class CsvReportOut(BaseModel):
    """What an import of a table did."""

    added: int
    relabelled: int
    unchanged: int
    errors: list[LineErrorOut]

    @classmethod
    def of(cls, report: CsvReport) -> CsvReportOut:
        """The public view."""
        return cls(
            added=report.added,
            relabelled=report.relabelled,
            unchanged=report.unchanged,
            errors=[LineErrorOut(line=line, message=message) for line, message in report.errors],
        )
