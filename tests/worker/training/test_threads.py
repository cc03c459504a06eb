"""Training takes the threads it was given."""

from __future__ import annotations

import subprocess
import sys

# A process of its own: TensorFlow fixes its threads for good when it first computes something.
PROGRAM = """
import tensorflow as tf
from worker.training.threads import limit_threads
limit_threads(1)
tf.constant(1) + 1
limit_threads(1)
print(tf.config.threading.get_intra_op_parallelism_threads())
print(tf.config.threading.get_inter_op_parallelism_threads())
try:
    limit_threads(2)
except RuntimeError:
    print("refused")
"""


def test_the_number_is_set_once_and_cannot_be_changed_while_running() -> None:
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert printed.stdout.split() == ["1", "1", "refused"]
