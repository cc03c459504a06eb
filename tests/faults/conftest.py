"""Real processes to kill, freeze and fill up; one engine for all of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.models.feature_space import FeatureSpace
from shared.settings import load_settings
from tests.faults.system import System, prepare
from tests.random_weights import write_random_weights
from worker.engines.build_process import build_in_child

IMAGE_SIZE = 71
MakeSystem = Callable[..., System]
Figure = Callable[[str, object], None]
BLOCKS = itertools.count(10)


@pytest.fixture(scope="session")
def engine_env(short_tmp: Path) -> dict[str, str]:
    """The base weights of all systems."""
    weights = short_tmp / "random.npz"
    return {
        "HANGTAG_BASE_WEIGHTS": str(weights),
        "HANGTAG_BASE_WEIGHTS_DIGEST": write_random_weights(weights),
        "HANGTAG_THREADS": "2",
    }


@pytest.fixture(scope="session")
def engines(short_tmp: Path, engine_env: dict[str, str]) -> Path:
    """The folder with the engine for them, built once."""
    settings = load_settings({"HANGTAG_DATA_DIR": str(short_tmp / "engine"), **engine_env})
    build_in_child(settings, FeatureSpace(settings.base_weights_digest, IMAGE_SIZE), None)
    return settings.data_dir / "engines"


@pytest.fixture(scope="session")
def make_system(short_tmp: Path, engine_env: dict[str, str], engines: Path) -> Iterator[MakeSystem]:
    """Prepares systems; kills all of their processes at the end."""
    made: list[System] = []
    numbers = itertools.count()

    def make(**env: str) -> System:
        made.append(prepare(short_tmp / f"f{next(numbers)}", engine_env, engines, **env))
        return made[-1]

    yield make
    for system in made:
        system.close()


@pytest.fixture(scope="session")
def shared_system(make_system: MakeSystem) -> System:
    """On SQLite, for all tests that heal what they break."""
    return make_system()


@pytest.fixture
def system(shared_system: System) -> System:
    """The shared system with everything running that a photo needs."""
    shared_system.start("redis", "web", "worker-predict", "maintain")
    return shared_system


@pytest.fixture
def figure(record_property: Figure) -> Figure:
    """Notes a figure that is printed at the end."""
    return record_property


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that the tests have noted."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties if report.when == "call" else ():
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture
def seeds() -> Iterator[int]:
    """Numbers of photos that no other test sends."""
    return itertools.count(next(BLOCKS) * 1000)
