"""Train: features of a dataset version, a head on top of them, an honest evaluation, a new version."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared.datasets import store as datasets
from shared.datasets.withdrawn import usable_lines
from shared.errors import CancelledError, HangtagError, LeaseLostError, TransientError
from shared.jobs import store
from shared.jobs.states import ACTIVE, JobKind, Split
from shared.jobs.store import Progress
from shared.models import registry
from shared.models.feature_space import FeatureSpace
from shared.models.head import Head
from shared.models.hyperparameters import HyperParameters
from shared.tables import DatasetVersion, Job, TrainingEpoch
from worker.context import WorkerContext
from worker.engines.choose import load_engine
from worker.extract import ensure_features
from worker.lease import Lease
from worker.stopping import PlannedStop, WorkerStoppingError
from worker.sweep import forget_deleted_features
from worker.training.calibrate import fit_temperature
from worker.training.checkpoints import Checkpoints, job_folders, remove_folders
from worker.training.evaluate import evaluate
from worker.training.feature_store import FeatureStore, features_folder
from worker.training.fit import EpochMetrics, TrainedHead, TrainingState, train_head
from worker.training.versions import library_versions

logger = structlog.get_logger(__name__)
# Under the data folder, one folder per job. No blobs: they come and go with every epoch.
CHECKPOINTS = "checkpoints"
Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Data:
    """A dataset version with its features. The test side is only touched by the final evaluation."""

    classes: list[str]
    features: dict[Split, Floats]
    labels: dict[Split, Labels]


def run_training(context: WorkerContext, job_id: str, stop: PlannedStop) -> None:
    """Claim a training job, carry it out and record how it ended; does nothing if it is not there to take.

    When this worker is asked to stop, the job goes back to the queue and its attempt does not count.
    """
    if stop.requested:
        return
    with context.database.write() as session:
        claimed = store.claim(session, JobKind.TRAIN, context.name, 1, job_id)
    if not claimed:
        return
    job = claimed[0]
    structlog.contextvars.bind_contextvars(job_id=job.id, attempt=job.attempt)
    try:
        with Lease(context.database, job.id, job.attempt, stop) as lease:
            _train(context, job, lease)
    except LeaseLostError:
        logger.warning("lease_lost")
    except CancelledError:
        _record(context, lambda session: store.cancelled(session, job.id, job.attempt))
    except WorkerStoppingError:
        _record(context, lambda session: store.release(session, job.id, job.attempt))
        logger.info("training_given_back")
    except Exception as error:
        logger.exception("training_failed")
        known = (
            error if isinstance(error, HangtagError) else TransientError(f"{type(error).__name__}: {error}")
        )
        _record(context, lambda session: store.fail(session, job.id, job.attempt, known))
    remove_old_checkpoints(context)


def remove_old_checkpoints(context: WorkerContext) -> None:
    """Remove the checkpoints of all trainings that have ended, those a dead worker left behind too."""
    root = context.settings.data_dir / CHECKPOINTS
    found = job_folders(root)
    with context.database.read() as session:
        unfinished = session.scalars(select(Job.id).where(Job.id.in_(found), Job.state.in_(ACTIVE)))
        ended = found - set(unfinished)
    remove_folders(root, ended)


def _train(context: WorkerContext, job: Job, lease: Lease) -> None:
    parameters = HyperParameters.model_validate(job.payload["parameters"])
    with context.database.read() as session:
        dataset = datasets.find(session, job.payload["dataset_version"])
    lease.report(Progress("engine", 0, 1))
    forget_deleted_features(context.settings, context.database)
    space = FeatureSpace(context.settings.base_weights_digest, parameters.image_size)
    engine = load_engine(context.settings, space, lambda *_: lease.check(), check=lease.check)
    features = FeatureStore(features_folder(context.settings), space)
    lines, withdrawn = _lines(context, dataset)
    ensure_features(
        engine,
        features,
        context.blobs,
        [line.digest for side in lines.values() for line in side],
        lease.report,
    )
    data = _data(dataset, lines, features)
    made_for = {
        "parameters": parameters.flat(),
        "dataset_digest": dataset.digest,
        "feature_space": space.key,
        "libraries": library_versions(),  # the lineage names one set of them, so one set has to do it all
    }
    checkpoints = Checkpoints(context.settings.data_dir / CHECKPOINTS / job.id, made_for)
    trained = _Fit(context, parameters, lease, checkpoints).run(data)
    lease.report(Progress("evaluation", 0, 1))
    head = _calibrated(trained.head, data)
    metrics = _metrics(head, data)
    lineage = _lineage(dataset, parameters, trained, engine.name, space)
    lineage["withdrawn_examples"] = withdrawn  # of the dataset version, because their photos were deleted
    _register(
        context, job, registry.NewVersion(data.classes, space, head.digest, metrics, lineage, job.id), head
    )


def _lines(context: WorkerContext, dataset: DatasetVersion) -> tuple[dict[Split, list[datasets.Line]], int]:
    with context.database.read() as session:
        lines, withdrawn = usable_lines(session, dataset.number)
    if withdrawn:
        logger.warning("examples_withdrawn", dataset_version=dataset.number, count=withdrawn)
    return lines, withdrawn


def _data(dataset: DatasetVersion, lines: dict[Split, list[datasets.Line]], features: FeatureStore) -> _Data:
    numbers = {name: number for number, name in enumerate(dataset.classes)}
    return _Data(
        classes=list(dataset.classes),
        features={split: features.read([line.digest for line in side]) for split, side in lines.items()},
        labels={
            split: np.array([numbers[line.label] for line in side], dtype=np.int64)
            for split, side in lines.items()
        },
    )


class _Fit:
    """One attempt at training the head: goes on from the last checkpoint and writes the next ones."""

    def __init__(
        self, context: WorkerContext, parameters: HyperParameters, lease: Lease, checkpoints: Checkpoints
    ) -> None:
        self._database = context.database
        self._parameters = parameters
        self._lease = lease
        self._checkpoints = checkpoints
        self._before = checkpoints.latest()
        self._started = time.monotonic()

    def run(self, data: _Data) -> TrainedHead:
        """Train to the end."""
        self._begin()
        return train_head(
            data.features[Split.TRAIN],
            data.labels[Split.TRAIN],
            data.features[Split.VALIDATION],
            data.labels[Split.VALIDATION],
            len(data.classes),
            parameters=self._parameters,
            on_epoch=self._note,
            should_stop=self._should_stop,
            on_state=self._keep,
            resume_from=self._before,
        )

    def _begin(self) -> None:
        """Forget the figures of epochs that will run again, so that every epoch is told once."""
        if self._before is not None:
            logger.info("training_resumed", after_epoch=self._epochs_before)
        job_id, done = self._lease.job_id, self._epochs_before

        def forget(session: Session) -> None:
            store.renew(session, job_id, self._lease.attempt)
            session.execute(
                delete(TrainingEpoch).where(TrainingEpoch.job_id == job_id, TrainingEpoch.epoch > done)
            )

        self._database.transact(forget)
        self._lease.report(Progress("training", self._epochs_before, self._parameters.epochs))

    def _should_stop(self) -> bool:
        self._lease.check()  # raises what tells a lost lease, a cancelled job and a planned stop apart
        return False

    def _note(self, metrics: EpochMetrics) -> None:
        """Write the figures, before the checkpoint: an epoch whose checkpoint is missing runs again."""
        job_id, attempt = self._lease.job_id, self._lease.attempt

        def note(session: Session) -> None:
            store.renew(session, job_id, attempt)  # only who holds the job may write
            session.merge(TrainingEpoch(job_id=job_id, attempt=attempt, **asdict(metrics)))

        self._database.transact(note)

    def _keep(self, state: TrainingState) -> None:
        """Write the checkpoint and report. Without room for it, training still goes on."""
        try:
            self._checkpoints.save(state)
        except OSError as error:
            logger.warning("checkpoint_not_written", epoch=state.history[-1].epoch, error=str(error))
        done, total = len(state.history), self._parameters.epochs
        eta = (time.monotonic() - self._started) / (done - self._epochs_before) * (total - done)
        self._lease.report(Progress("training", done, total, round(eta, 1)))

    @property
    def _epochs_before(self) -> int:
        """Epochs that earlier attempts have done."""
        return len(self._before.history) if self._before else 0


def _calibrated(head: Head, data: _Data) -> Head:
    """The head with the temperature that makes its confidence true on the validation photos."""
    temperature = fit_temperature(head.logits(data.features[Split.VALIDATION]), data.labels[Split.VALIDATION])
    return replace(head, temperature=temperature)


def _metrics(head: Head, data: _Data) -> dict[str, Any]:
    return {
        split.value: evaluate(
            head.probabilities(data.features[split]), data.labels[split], data.classes
        ).model_dump(mode="json")
        for split in (Split.VALIDATION, Split.TEST)
    }


def _lineage(
    dataset: DatasetVersion,
    parameters: HyperParameters,
    trained: TrainedHead,
    engine: str,
    space: FeatureSpace,
) -> dict[str, Any]:
    return {
        "dataset_version": dataset.number,
        "dataset_digest": dataset.digest,
        "dataset_counts": dataset.counts,
        "parameters": parameters.flat(),
        "seed": parameters.seed,
        "best_epoch": trained.best_epoch,
        "stop_reason": str(trained.stop_reason),
        "history": [asdict(epoch) for epoch in trained.history],
        "engine": engine,
        "base_digest": space.base_digest,
        "libraries": library_versions(),
    }


def _register(context: WorkerContext, job: Job, new: registry.NewVersion, head: Head) -> None:
    def register(session: Session) -> int | None:
        if store.renew(session, job.id, job.attempt):
            store.cancelled(session, job.id, job.attempt)
            return None
        version = registry.add(session, new)
        if registry.champion(session) is None:
            registry.promote(
                session, version.number, "hangtag", "The first version: nothing answered before it."
            )
        store.succeed(session, job.id, job.attempt, _result(version.number, new))
        return version.number

    registry.store_head(context.blobs, head)
    number = context.database.transact(register)
    if number is not None:
        logger.info("version_registered", model_version=number)


def _result(number: int, new: registry.NewVersion) -> dict[str, Any]:
    return {
        "model_version": number,
        "test_accuracy": new.metrics["test"]["accuracy"],
        "validation_accuracy": new.metrics["validation"]["accuracy"],
        "best_epoch": new.lineage["best_epoch"],
        "stop_reason": new.lineage["stop_reason"],
    }


def _record(context: WorkerContext, change: Callable[[Session], object]) -> None:
    try:
        context.database.transact(change)
    except LeaseLostError:
        logger.warning("lease_lost")
