"""What goes in and out of the API about sweeps."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from shared.jobs.states import TrialState
from shared.public_views import JobOut
from shared.sweeps import store as sweeps
from shared.sweeps.plan import SWEEP_PRESETS, SweepPlan
from shared.sweeps.store import TrialMetrics
from shared.tables import Job, SweepTrial
from web.api.schemas import Input


class SweepIn(Input):
    """A sweep: a published preset, or a plan over hyper-parameters that start from a training preset."""

    preset: str | None = Field(
        None,
        json_schema_extra={"enum": [*SWEEP_PRESETS, None]},
        description="A published sweep. Leave `plan` and `base` out then.",
    )
    plan: SweepPlan | None = Field(None, description="Which trials to make and how they compete.")
    base: dict[str, Any] = Field(
        default_factory=dict,
        description="What all trials share: a training `preset`, and hyper-parameters that differ from it.",
    )
    dataset_version: int | None = Field(None, ge=1, description="The newest one when left out.")
    register_all: bool = Field(False, description="Make every trial a version, not only the best one.")


class TrialOut(BaseModel):
    """One trial. `rank` is 1 for the best on the validation photos, null until it was trained."""

    number: int
    rank: int | None
    state: TrialState
    parameters: dict[str, Any]
    metrics: TrialMetrics | None
    model_version: int | None


class SweepOut(BaseModel):
    """A sweep: its job, the names of what differs between its trials, and the trials, best first."""

    job: JobOut
    varied: list[str]
    trials: list[TrialOut]

    @classmethod
    def of(cls, job: Job, trials: list[SweepTrial]) -> SweepOut:
        """The public view of a sweep."""
        return cls(
            job=JobOut.of(job),
            varied=sweeps.varied_names([trial.parameters for trial in trials]),
            trials=[
                TrialOut(
                    number=trial.number,
                    rank=rank,
                    state=sweeps.state_of(trial, job),
                    parameters=trial.parameters,
                    metrics=None if trial.metrics is None else TrialMetrics.model_validate(trial.metrics),
                    model_version=trial.version,
                )
                for rank, trial in sweeps.placed(trials)
            ],
        )
