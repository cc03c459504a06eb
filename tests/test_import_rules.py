"""What must not be imported where; `make lint` checks the rest of the rules with import-linter."""

from __future__ import annotations

import subprocess
import sys

import pytest

NETWORKS = {"tensorflow", "keras", "openvino"}


def imported_by(statement: str) -> set[str]:
    """The top-level names of everything a fresh interpreter has loaded after `statement`."""
    code = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["web", "web.app", "shared.tables", "shared.jobs.queue", "cli.main"])
def test_nothing_but_workers_loads_a_neural_network(module: str) -> None:
    assert not NETWORKS & imported_by(f"import {module}")


def test_a_prediction_worker_starts_without_tensorflow() -> None:
    assert not {"tensorflow", "keras"} & imported_by("import worker.classify, worker.predictor")
