"""Accepting a training or a sweep: the same checks for page and API, then one job row."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from shared import quotas
from shared.datasets import reports
from shared.datasets import store as datasets
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.models import engine_gates
from shared.models.feature_space import FeatureSpace
from shared.models.hyperparameters import HyperParameters
from shared.sweeps import store as sweeps
from shared.sweeps.plan import SweepPlan
from shared.tables import DatasetVersion, Job
from web.services import services


def accept_training(
    session: Session, owner_id: str, parameters: HyperParameters, dataset_version: int | None
) -> Job:
    """Queue a training on a dataset version, on the newest one without a number.

    Raises:
        TrainingQuotaError: the owner has too many trainings waiting or running.
        NotFoundError: there is no such dataset version, or none at all.
        DatasetBlockedError: its report blocks trainings.
        ParametersError: it shall learn in 8 bits, and no int8 engine of its image size has passed its check.
    """
    _require_int8(session, [parameters])
    dataset = _dataset_to_learn_from(session, owner_id, dataset_version)
    payload = {"parameters": parameters.model_dump(mode="json"), "dataset_version": dataset.number}
    return store.create(session, JobKind.TRAIN, owner_id=owner_id, payload=payload)


def accept_sweep(
    session: Session,
    owner_id: str,
    trials: Sequence[HyperParameters],
    plan: SweepPlan | None,
    dataset_version: int | None,
    *,
    register_all: bool,
) -> Job:
    """Queue a sweep over these trials.

    Raises:
        TrainingQuotaError, NotFoundError, DatasetBlockedError, ParametersError: as for a training.
    """
    _require_int8(session, trials)
    dataset = _dataset_to_learn_from(session, owner_id, dataset_version)
    return sweeps.create(session, owner_id, dataset.number, trials, plan, register_all)


def _require_int8(session: Session, wanted: Sequence[HyperParameters]) -> None:
    """The training worker looks again, and knows its own release of OpenVINO."""
    base = services().settings.base_weights_digest
    for size in sorted({one.image_size for one in wanted if one.precision == "int8"}):
        engine_gates.require_passed_network(session, FeatureSpace(base, size))


def _dataset_to_learn_from(session: Session, owner_id: str, number: int | None) -> DatasetVersion:
    quotas.require_room_for_training(session, services().settings, owner_id)
    dataset = datasets.latest(session) if number is None else datasets.find(session, number)
    reports.require_trainable(session, dataset)
    return dataset
