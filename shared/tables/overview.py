"""Figures of hours that are over, so that a month of them is read without reading its jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from shared.tables.base import Base


class HourlyFigures(Base):
    """What was counted for one hour (`shared.overview.tally.Tally`). Derived: it can be counted again."""

    __tablename__ = "hourly_figures"

    hour: Mapped[datetime] = mapped_column(primary_key=True)  # when it began
    figures: Mapped[dict[str, Any]]
    stale: Mapped[bool] = mapped_column(default=False)  # its jobs changed since; maintenance counts it again
