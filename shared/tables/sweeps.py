"""The trials of a sweep."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shared.jobs.states import TrialState
from shared.tables.base import Base


class SweepTrial(Base):
    """One training of a sweep: with what, how far it is and how good it was on the validation photos."""

    __tablename__ = "sweep_trial"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1, in the order of the plan
    parameters: Mapped[dict[str, Any]]
    state: Mapped[TrialState] = mapped_column(default=TrialState.WAITING)
    metrics: Mapped[dict[str, Any] | None]  # shared.sweeps.store.TrialMetrics, once it was trained
    version: Mapped[int | None] = mapped_column(ForeignKey("model_version.number"))
