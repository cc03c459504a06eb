"""What a prediction worker hands to the children that do its work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# As Celery does: a parent that has imported the application spawns a child, which multiplies.
PARENT = """
import multiprocessing
import worker.predict_app

def threads(answers):
    import numpy
    import threadpoolctl
    numpy.ones((300, 300)) @ numpy.ones((300, 300))
    answers.put([pool["num_threads"] for pool in threadpoolctl.threadpool_info()])

if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    child = spawn.Process(target=threads, args=(answers,))
    child.start()
    print(answers.get(timeout=60))
    child.join()
"""


def test_the_heads_are_multiplied_by_one_thread(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment |= {"HANGTAG_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    seen = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=True
    )
    assert seen.stdout.strip() == "[1]"
