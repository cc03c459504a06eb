"""Sweep: trains the trials of a plan on features that are computed once, and registers the best of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

import structlog
from sqlalchemy.orm import Session

from shared.errors import PermanentError
from shared.jobs import store
from shared.jobs.states import JobKind, TrialState
from shared.jobs.store import Progress
from shared.models import registry
from shared.models.evaluation import wilson_interval
from shared.models.feature_space import FeatureSpace
from shared.models.hyperparameters import HyperParameters
from shared.sweeps import store as sweeps
from shared.sweeps.plan import SweepPlan
from shared.sweeps.store import TrialMetrics
from shared.tables import Job, ModelVersion, SweepTrial, TrainingEpoch
from worker.attempt import run_attempt
from worker.context import WorkerContext
from worker.lease import Lease
from worker.leftovers import forget_deleted_features
from worker.stopping import PlannedStop, WorkerStoppingError
from worker.training.course import Trained, TrainingDivergedError
from worker.training.fit import EpochInputs, Floats, train_head
from worker.training.photo_features import PhotoFeatures, features_in
from worker.training.register import Examples, add_version, judged, result_of

logger = structlog.get_logger(__name__)
# Each training leaves about 8 MB behind in TensorFlow, whatever is cleared (measured). After so many the
# sweep goes back to the queue, without using up its attempt, and on in a fresh process.
TRAININGS_PER_PROCESS = 60


class NothingLearnedError(PermanentError):
    """Every trial of the sweep diverged. Lower the learning rates and start another sweep."""

    code = "sweep_diverged"


def run_sweep(context: WorkerContext, job_id: str, stop: PlannedStop) -> None:
    """Claim a sweep, carry it out and record how it ended; does nothing if it is not there to take.

    Trials are kept as they end: the next attempt goes on with those that are left, and a cancelled sweep
    keeps what it has.
    """
    run_attempt(context, JobKind.SWEEP, job_id, stop, lambda *work: _Sweep(*work).run())


class _Sweep:
    """One attempt at a sweep."""

    def __init__(self, context: WorkerContext, job: Job, lease: Lease) -> None:
        self._context, self._job, self._lease = context, job, lease
        self._examples = Examples.load(context, job.payload["dataset_version"])
        plan = job.payload["plan"]
        self._plan = None if plan is None else SweepPlan.model_validate(plan)
        self._trainings = 0
        self._trained: dict[int, Trained] = {}
        self._features: tuple[tuple[int, str], PhotoFeatures] | None = None
        self._inputs: tuple[HyperParameters, EpochInputs, Floats] | None = None

    def run(self) -> None:
        """Train what is left, round by round, then register the best."""
        forget_deleted_features(self._context.settings, self._context.database)
        with self._context.database.write() as session:
            trials = sweeps.ensure_trials(session, self._job)
        epochs = max(_parameters(trial).epochs for trial in trials)
        rungs = self._plan.rungs(epochs) if self._plan is not None else [epochs]
        for rung, budget in enumerate(rungs):
            self._round(rung, budget, last=rung == len(rungs) - 1)
            self._drop(rung, len(trials), last=rung == len(rungs) - 1)
        self._register()

    def _trials(self) -> list[SweepTrial]:
        with self._context.database.read() as session:
            return sweeps.trials(session, self._job.id)

    def _round(self, rung: int, budget: int, last: bool) -> None:
        """Train all trials that wait for this round. Trials of one feature space follow each other."""
        waiting = [
            trial
            for trial in self._trials()
            if trial.state is TrialState.WAITING and (trial.metrics is None or trial.metrics["rung"] < rung)
        ]
        waiting.sort(key=lambda trial: (*_seen_through(_parameters(trial)), trial.number))
        total = len(self._trials())
        for position, trial in enumerate(waiting):
            self._lease.report(Progress("trials", total - len(waiting) + position, total))
            self._try(trial, rung, budget, last)

    def _try(self, trial: SweepTrial, rung: int, budget: int, last: bool) -> None:
        parameters = _parameters(trial)
        started = time.monotonic()
        try:
            trained = self._train(parameters.model_copy(update={"epochs": min(budget, parameters.epochs)}))
        except TrainingDivergedError:
            self._write(lambda session: sweeps.record(session, self._job.id, trial.number, TrialState.FAILED))
            return
        metrics = self._metrics(trained, rung, time.monotonic() - started)
        state = TrialState.SUCCEEDED if last else TrialState.WAITING
        self._write(lambda session: sweeps.record(session, self._job.id, trial.number, state, metrics))
        if last:
            self._trained[trial.number] = trained
        logger.info(
            "trial_trained", trial=trial.number, rung=rung, val_accuracy=round(metrics.val_accuracy, 4)
        )

    def _train(self, parameters: HyperParameters) -> Trained:
        self._count()
        inputs, validation = self._read(parameters)
        sides = self._examples.sides
        return train_head(
            inputs,
            self._examples.numbers(sides.train.labels),
            validation,
            self._examples.numbers(sides.validation.labels),
            len(self._examples.classes),
            parameters=parameters,
            on_epoch=lambda _metrics: None,
            should_stop=self._should_stop,
        )

    def _count(self) -> None:
        """Go on in a fresh process after so many trainings."""
        if self._trainings >= TRAININGS_PER_PROCESS:
            logger.info("sweep_goes_on_elsewhere", trainings=self._trainings)
            raise WorkerStoppingError
        self._trainings += 1

    def _should_stop(self) -> bool:
        self._lease.check()
        return False

    def _read(self, parameters: HyperParameters) -> tuple[EpochInputs, Floats]:
        """The inputs of this image size, precision and augmentation, and the validation features."""
        key = HyperParameters(
            image_size=parameters.image_size,
            precision=parameters.precision,
            augmentation=parameters.augmentation,
            seed=parameters.seed,
        )
        if self._inputs is None or self._inputs[0] != key:
            features, sides = self._photo_features(parameters), self._examples.sides
            inputs = features.training(sides.train, parameters)
            self._inputs = key, inputs, features.read(sides.validation.digests)
        return self._inputs[1:]

    def _photo_features(self, parameters: HyperParameters) -> PhotoFeatures:
        wanted = _seen_through(parameters)
        if self._features is None or self._features[0] != wanted:
            self._features = None  # those of two sizes at once would take twice the memory
            space = FeatureSpace(self._context.settings.base_weights_digest, parameters.image_size)
            self._features = wanted, features_in(self._context, space, self._lease, parameters.precision)
        return self._features[1]

    def _metrics(self, trained: Trained, rung: int, seconds: float) -> TrialMetrics:
        best = trained.history[trained.best_epoch - 1]
        count = len(self._examples.sides.validation.lines)
        return TrialMetrics(
            val_accuracy=best.val_accuracy,
            val_loss=best.val_loss,
            interval=wilson_interval(round(best.val_accuracy * count), count),
            best_epoch=trained.best_epoch,
            epochs=len(trained.history),
            stop_reason=str(trained.stop_reason),
            seconds=round(seconds, 3),
            rung=rung,
            curve=[epoch.val_accuracy for epoch in trained.history],
        )

    def _drop(self, rung: int, total: int, last: bool) -> None:
        """Leave behind all but the best of this round. Done before, it changes nothing."""
        if self._plan is None or last:
            return
        going_on = [trial for trial in self._trials() if trial.state is TrialState.WAITING]
        left_behind = sweeps.ranked(going_on)[self._plan.survivors(total, rung) :]

        def drop(session: Session) -> None:
            for trial in left_behind:
                sweeps.record(session, self._job.id, trial.number, TrialState.DROPPED)

        self._write(drop)

    def _write(self, change: Callable[[Session], None]) -> None:
        def fenced(session: Session) -> None:
            store.renew(session, self._job.id, self._job.attempt)  # only who holds the job may write
            change(session)

        self._context.database.transact(fenced)

    def _register(self) -> None:
        """Register the best trial, all of them if that was asked for, and end the job.

        Each is kept as soon as it is judged: whoever goes on in the place of this process does the others.
        """
        done = [trial for trial in sweeps.ranked(self._trials()) if trial.state is TrialState.SUCCEEDED]
        if not done:
            raise NothingLearnedError
        wanted = done if self._job.payload["register_all"] else done[:1]
        for place, trial in enumerate(wanted):
            self._lease.report(Progress("evaluation", place, len(wanted)))
            if trial.version is None:
                self._add(trial, len(done), best=trial is done[0])
        self._succeed(done[0].number, len(done))
        logger.info("sweep_done", best_trial=done[0].number, trials=len(done))

    def _add(self, trial: SweepTrial, trials: int, best: bool) -> None:
        """Judge a trial once on the test photos and register it. Trained again if another process did."""
        parameters = _parameters(trial)
        trained = self._trained.pop(trial.number, None) or self._train(parameters)
        about = {"job_id": self._job.id, "trial": trial.number, "trials": trials, "best": best}
        features = self._photo_features(parameters)
        job_id = self._job.id if best else None
        # Without photos that were deleted while the sweep learned.
        left = Examples.load(self._context, self._job.payload["dataset_version"])
        new, head = judged(left, parameters, trained, features, job_id, sweep=about)
        registry.store_head(self._context.blobs, head)

        def add(session: Session) -> None:
            row = session.get_one(SweepTrial, (self._job.id, trial.number))
            if row.version is not None:  # the commit before went through, only its confirmation got lost
                return
            row.version = add_version(session, new).number
            if best:
                _tell_epochs(session, self._job, trained)

        self._write(add)

    def _succeed(self, best: int, trials: int) -> None:
        def write(session: Session) -> None:
            if store.renew(session, self._job.id, self._job.attempt):
                store.cancelled(session, self._job.id, self._job.attempt)
                return
            number = session.get_one(SweepTrial, (self._job.id, best)).version
            result = result_of(session.get_one(ModelVersion, number))
            store.succeed(
                session, self._job.id, self._job.attempt, result | {"trial": best, "trials": trials}
            )

        self._context.database.transact(write)


def _parameters(trial: SweepTrial) -> HyperParameters:
    return HyperParameters.model_validate(trial.parameters)


def _seen_through(parameters: HyperParameters) -> tuple[int, str]:
    """What decides through which engines photos are seen."""
    return parameters.image_size, parameters.precision


def _tell_epochs(session: Session, job: Job, trained: Trained) -> None:
    """The epochs of the best trial, as if it had been a training of its own."""
    for epoch in trained.history:
        session.merge(TrainingEpoch(job_id=job.id, attempt=job.attempt, **asdict(epoch)))
