"""What a training tells while it runs: epochs to the database, checkpoints to the disk, life to the lease."""

from __future__ import annotations

import time
from dataclasses import asdict

import structlog
from sqlalchemy import delete
from sqlalchemy.orm import Session

from shared.database import Database
from shared.jobs import store
from shared.jobs.store import Progress
from shared.models.hyperparameters import HyperParameters
from shared.tables import TrainingEpoch
from worker.lease import RENEW_SECONDS, Lease
from worker.training.checkpoints import Checkpoints
from worker.training.course import EpochMetrics, TrainingState

logger = structlog.get_logger(__name__)


class TrainingRun:
    """One attempt at a training. `before` is the state of the last whole checkpoint, if there is one."""

    def __init__(
        self, database: Database, parameters: HyperParameters, lease: Lease, checkpoints: Checkpoints
    ) -> None:
        self._database = database
        self._lease = lease
        self._checkpoints = checkpoints
        self._total = parameters.all_epochs
        self.before = checkpoints.latest()
        self._started = time.monotonic()
        self._progress = Progress("training", self._epochs_before, self._total)
        self._reported = -RENEW_SECONDS

    def begin(self) -> None:
        """Forget the figures of epochs that will run again, so that every epoch is told once."""
        if self.before is not None:
            logger.info("training_resumed", after_epoch=self._epochs_before)
        job_id, done = self._lease.job_id, self._epochs_before

        def forget(session: Session) -> None:
            store.renew(session, job_id, self._lease.attempt)
            session.execute(
                delete(TrainingEpoch).where(TrainingEpoch.job_id == job_id, TrainingEpoch.epoch > done)
            )

        self._database.transact(forget)
        self._started = time.monotonic()
        self._report(self._progress)

    def should_stop(self) -> bool:
        """Asked between batches: no, or raise what tells a lost lease, a cancelled job and a stop apart.

        An epoch may take longer than a lease is kept without a report, so there is one now and then.
        """
        if time.monotonic() - self._reported >= RENEW_SECONDS:
            self._report(self._progress)
        self._lease.check()
        return False

    def note(self, metrics: EpochMetrics) -> None:
        """Write the figures, before the checkpoint: an epoch whose checkpoint is missing runs again."""
        job_id, attempt = self._lease.job_id, self._lease.attempt

        def note(session: Session) -> None:
            store.renew(session, job_id, attempt)  # only who holds the job may write
            session.merge(TrainingEpoch(job_id=job_id, attempt=attempt, **asdict(metrics)))

        self._database.transact(note)

    def keep(self, state: TrainingState) -> None:
        """Write the checkpoint and report. Without room for it, training still goes on."""
        try:
            self._checkpoints.save(state)
        except OSError as error:
            logger.warning("checkpoint_not_written", epoch=state.history[-1].epoch, error=str(error))
        done = len(state.history)
        eta = (time.monotonic() - self._started) / (done - self._epochs_before) * (self._total - done)
        self._report(Progress("training", done, self._total, round(eta, 1)))

    def _report(self, progress: Progress) -> None:
        self._reported, self._progress = time.monotonic(), progress
        self._lease.report(progress)

    @property
    def _epochs_before(self) -> int:
        """Epochs that earlier attempts have done."""
        return len(self.before.history) if self.before else 0
