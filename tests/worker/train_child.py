"""`python -m tests.worker.train_child JOB EPOCH`: one training in a process of its own, to be killed.

It stands still once it has told that epoch, before its checkpoint: whoever kills it always meets it there.
Its settings come from the environment.
"""

from __future__ import annotations

import sys
import threading

from shared.settings import load_settings
from worker.context import build_context
from worker.network.tensorflow_setup import prepare_tensorflow
from worker.stopping import PlannedStop
from worker.training.course import EpochMetrics
from worker.training.run import TrainingRun


class StandsStill(TrainingRun):
    """A training that tells its epochs as ever, and after one of them does nothing more."""

    def note(self, metrics: EpochMetrics) -> None:
        super().note(metrics)
        if metrics.epoch == int(sys.argv[2]):
            threading.Event().wait()


if __name__ == "__main__":
    settings = load_settings()
    prepare_tensorflow(settings.threads)
    from worker import train

    vars(train)["TrainingRun"] = StandsStill
    train.run_training(build_context(settings, "train"), sys.argv[1], PlannedStop())
