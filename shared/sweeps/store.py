"""All SQL of sweeps and their trials."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared.errors import NotFoundError
from shared.jobs import store
from shared.jobs.states import TERMINAL, JobKind, TrialState
from shared.models.hyperparameters import HyperParameters
from shared.sweeps.plan import SweepPlan
from shared.tables import Job, SweepTrial


class TrialMetrics(BaseModel):
    """How a trial did on the validation photos in its best epoch.

    `rung` is the round of successive halving it was trained in last, counted from 0; `curve` is the
    validation accuracy after each epoch, `interval` the 95 % Wilson interval of the best one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    val_accuracy: float
    val_loss: float
    interval: tuple[float, float]
    best_epoch: int
    epochs: int
    stop_reason: str
    seconds: float
    rung: int = 0
    curve: list[float]


def create(
    session: Session,
    owner_id: str,
    dataset_version: int,
    trials: Sequence[HyperParameters],
    plan: SweepPlan | None,
    register_all: bool = False,
) -> Job:
    """Queue a sweep of these trials. `plan` says how they compete; None trains all of them to their end."""
    payload = {
        "dataset_version": dataset_version,
        "plan": plan.model_dump(mode="json") if plan is not None else None,
        "register_all": register_all,
        "trials": [parameters.flat() for parameters in trials],
    }
    job = store.create(session, JobKind.SWEEP, owner_id=owner_id, payload=payload)
    ensure_trials(session, job)
    return job


def ensure_trials(session: Session, job: Job) -> list[SweepTrial]:
    """The trials of a sweep; a sweep that takes the place of another one gets rows of its own here."""
    found = trials(session, job.id)
    if not found:
        numbered = enumerate(job.payload["trials"], start=1)
        found = [SweepTrial(job_id=job.id, number=number, parameters=values) for number, values in numbered]
        session.add_all(found)
        session.flush()
    return found


def find(session: Session, job_id: str, owner_id: str | None = None) -> Job:
    """The sweep with this id; with `owner_id`, only if it is theirs.

    Raises:
        NotFoundError: unknown, somebody else's, or no sweep.
    """
    job = store.find(session, job_id, owner_id)
    if job.kind is not JobKind.SWEEP:
        raise NotFoundError("There is no sweep with this id.")
    return job


def trials(session: Session, job_id: str) -> list[SweepTrial]:
    """The trials of a sweep in the order of its plan."""
    query = select(SweepTrial).where(SweepTrial.job_id == job_id).order_by(SweepTrial.number)
    return list(session.scalars(query))


def record(
    session: Session, job_id: str, number: int, state: TrialState, metrics: TrialMetrics | None = None
) -> None:
    """Note how far a trial is. The caller holds the sweep's lease in the same transaction."""
    changes: dict[str, Any] = {"state": state}
    if metrics is not None:
        changes["metrics"] = metrics.model_dump(mode="json")
    session.execute(
        update(SweepTrial).where(SweepTrial.job_id == job_id, SweepTrial.number == number).values(**changes)
    )


def state_of(trial: SweepTrial, job: Job) -> TrialState:
    """Where a trial stands: one that still waited when its sweep ended was skipped."""
    ended = job.state in TERMINAL and trial.state is TrialState.WAITING
    return TrialState.SKIPPED if ended else trial.state


def ranked(found: Sequence[SweepTrial]) -> list[SweepTrial]:
    """The trials that were trained, the best on validation first; of equals the one with the lower loss.

    Those that were trained for longer come before those that were dropped.
    """
    measured = [trial for trial in found if trial.metrics is not None]
    return sorted(measured, key=_rank, reverse=True)


def placed(found: Sequence[SweepTrial]) -> list[tuple[int | None, SweepTrial]]:
    """The trials with their ranks, 1 for the best, then those that were not trained, without one."""
    best_first = ranked(found)
    others = [trial for trial in found if trial not in best_first]
    return [*enumerate(best_first, start=1), *((None, trial) for trial in others)]


def trained(session: Session, job_ids: Collection[str]) -> dict[str, int]:
    """How many trials of each of these sweeps were trained; sweeps without any are left out."""
    rows = session.execute(
        select(SweepTrial.job_id, func.count().label("trials"))
        .where(SweepTrial.job_id.in_(job_ids), SweepTrial.metrics.is_not(None))
        .group_by(SweepTrial.job_id)
    )
    return {row.job_id: row.trials for row in rows}


def varied_names(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the hyper-parameters that are not the same in all trials."""
    if not parameters:
        return []
    first = parameters[0]
    return [name for name in first if any(values.get(name) != first[name] for values in parameters)]


def _rank(trial: SweepTrial) -> tuple[float, ...]:
    metrics = trial.metrics or {}
    by_loss = trial.parameters.get("monitor") == "val_loss"
    figures = (-metrics["val_loss"],) if by_loss else (metrics["val_accuracy"], -metrics["val_loss"])
    return metrics["rung"], *figures, -trial.number
