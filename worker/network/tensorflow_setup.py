"""Import TensorFlow in the one way that suits a worker."""

from __future__ import annotations

import importlib
import logging
import os
from typing import Any

log = logging.getLogger(__name__)


def prepare_tensorflow(threads: int) -> Any:
    """Return the module `tensorflow`, set up for one of several processes on a machine.

    Takes GPU memory as it is needed instead of all of it, and `threads` CPU threads at most. Call it before
    anything else imports TensorFlow or Keras: what is already running keeps its own number of threads.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    # Its notes on instruction sets say nothing about us; warnings and errors stay.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    tensorflow: Any = importlib.import_module("tensorflow")
    try:
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        # Xception is one long chain: there is next to nothing to run beside each other.
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:  # TensorFlow was used before in this process
        log.info("TensorFlow keeps its threads and memory settings: %s", error)
    return tensorflow
