"""`python -m tests.worker.train_child JOB`: one training in a process of its own, to be killed.

Its settings come from the environment.
"""

from __future__ import annotations

import sys

from shared.settings import load_settings
from worker.context import build_context
from worker.network.tensorflow_setup import prepare_tensorflow
from worker.stopping import PlannedStop

if __name__ == "__main__":
    settings = load_settings()
    prepare_tensorflow(settings.threads)
    from worker.train import run_training

    run_training(build_context(settings, "train"), sys.argv[1], PlannedStop())
