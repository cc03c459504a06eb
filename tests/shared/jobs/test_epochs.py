"""What trainings have told of their epochs."""

from __future__ import annotations

from shared.database import Database
from shared.jobs.epochs import best_accuracies
from shared.jobs.states import JobKind
from shared.tables import TrainingEpoch
from tests.factories import add_job


def test_the_best_accuracy_is_that_of_the_attempt_that_ran_an_epoch_last(database: Database) -> None:
    first, second, silent = (add_job(database, JobKind.TRAIN).id for _ in range(3))
    told = [(first, 1, 1, 0.7), (first, 1, 2, 0.9), (first, 2, 2, 0.8), (second, 1, 1, 0.6)]
    figures = {"loss": 0.1, "accuracy": 0.9, "val_loss": 0.2, "seconds": 1.0}
    with database.write() as session:
        for job_id, attempt, epoch, accuracy in told:
            figures = {
                "loss": 0.1,
                "accuracy": 0.9,
                "val_loss": 0.2,
                "val_accuracy": accuracy,
                "seconds": 1.0,
            }
            session.add(TrainingEpoch(job_id=job_id, attempt=attempt, epoch=epoch, **figures))
    with database.read() as session:
        assert best_accuracies(session, [first, second, silent]) == {first: 0.8, second: 0.6}
