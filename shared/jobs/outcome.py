"""Choosing jobs by when they ended and by what they answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func

from shared.tables import Job


@dataclass(frozen=True, slots=True)
class Outcome:
    """Which jobs; None does not choose. The answer is that of a photo: category, suggest or ask, version."""

    ended_from: datetime | None = None
    ended_before: datetime | None = None
    category: str | None = None
    decision: str | None = None
    model_version: int | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """What has to hold for a job."""
        if self.ended_from is not None:
            yield self._end() >= self.ended_from
        if self.ended_before is not None:
            yield Job.finished_at < self.ended_before
        if self.category is not None:
            yield Job.result["category"].as_string() == self.category
        if self.decision is not None:
            yield Job.result["decision"].as_string() == self.decision
        if self.model_version is not None:
            yield Job.result["model_version"].as_integer() == self.model_version

    def _end(self) -> ColumnElement[Any]:
        """When a job ended, so that no index over it is taken where nearly all new jobs match: lists are
        ordered by id, and SQLite would rather sort a month of jobs than look at the newest ones."""
        answer = (self.category, self.decision, self.model_version)
        until_now = self.ended_before is None and answer == (None, None, None)
        return func.coalesce(Job.finished_at, None) if until_now else Job.finished_at.expression
