"""How many processor threads training may take."""

from __future__ import annotations

import tensorflow as tf


def limit_threads(threads: int) -> None:
    """Let TensorFlow run on `threads` threads. Call it once, when the worker process starts.

    Results can differ in the last digits between thread counts, so a training is repeated with the same one.

    Raises:
        RuntimeError: TensorFlow already runs with another number of threads.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
