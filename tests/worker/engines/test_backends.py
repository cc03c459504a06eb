"""The network and its training are plain Keras: JAX gives what TensorFlow gives."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from shared.settings import Settings
from tests.worker.engines.backend_results import results
from tests.worker.engines.conftest import environment_of

# Two busy cores import two frameworks and compile the network.
SECONDS = 280
Results = dict[str, Any]


@pytest.fixture(scope="module")
def on_tensorflow(settings: Settings) -> Results:
    return results(settings)


@pytest.fixture(scope="module")
def on_jax(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """From a process of its own: Keras takes one backend for good."""
    target = tmp_path_factory.mktemp("jax") / "results.npz"
    environment = {**environment_of(settings), "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    call = [sys.executable, "-m", "tests.worker.engines.backend_results", str(target)]
    subprocess.run(call, env=environment, check=True, timeout=SECONDS)
    return dict(np.load(target))


def test_the_network_sees_the_same_on_both(on_tensorflow: Results, on_jax: Results) -> None:
    assert (str(on_tensorflow["backend"]), str(on_jax["backend"])) == ("tensorflow", "jax")
    for name in ("features", "maps", "trunk"):
        assert np.ptp(on_tensorflow[name]) > 0
        np.testing.assert_allclose(on_jax[name], on_tensorflow[name], rtol=1e-3, atol=1e-3)


def test_on_jax_a_head_learns_and_the_last_block_with_it(on_jax: Results) -> None:
    assert on_jax["accuracy"][0] < on_jax["accuracy"][-1] == 1
    assert on_jax["moved"] > 0
