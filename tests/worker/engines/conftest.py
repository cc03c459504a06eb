"""Random base weights, and one OpenVINO engine that is really built and compared, for all tests here."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.models.feature_space import FeatureSpace
from shared.settings import Settings, load_settings
from tests.random_weights import write_random_weights
from worker.engines.published import engine_folder

SIDE = 71
# Runs in every Python process started with its folder in PYTHONPATH, forked children included.
WATCH = """
import sys
def note(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "urllib.Request"}:
        with open(%r, "a") as file:
            file.write(f"{event} {arguments}\\n")
sys.addaudithook(note)
"""
# What a worker does first.
SERVE = """
import sys
import numpy as np
from shared.models.feature_space import FeatureSpace
from shared.settings import load_settings
from worker.engines.choose import load_engine
settings, side = load_settings(), %d
engine = load_engine(settings, FeatureSpace(settings.base_weights_digest, side))
engine.features(np.zeros((3, side, side, 3), dtype=np.uint8))
print(engine.name, sorted({"tensorflow", "keras", "openvino_telemetry.main"} & set(sys.modules)))
"""


def make_settings(folder: Path, weights: Path, digest: str) -> Settings:
    return load_settings(
        {
            "HANGTAG_DATA_DIR": str(folder),
            "HANGTAG_BASE_WEIGHTS": str(weights),
            "HANGTAG_BASE_WEIGHTS_DIGEST": digest,
            "HANGTAG_ENGINE": "openvino",
            "HANGTAG_THREADS": "2",
        }
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables from which another process reads these settings."""
    return {
        **os.environ,
        "HANGTAG_DATA_DIR": str(settings.data_dir),
        "HANGTAG_BASE_WEIGHTS": str(settings.base_weights),
        "HANGTAG_BASE_WEIGHTS_DIGEST": settings.base_weights_digest,
        "HANGTAG_ENGINE": str(settings.engine),
        "HANGTAG_THREADS": str(settings.threads),
    }


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("engines")
    weights = folder / "random.npz"
    return make_settings(folder / "data", weights, write_random_weights(weights))


@pytest.fixture(scope="session")
def space(settings: Settings) -> FeatureSpace:
    return FeatureSpace(settings.base_weights_digest, SIDE)


@dataclasses.dataclass(frozen=True)
class FirstUse:
    """What happened when a fresh process asked for an engine that nobody had built."""

    output: str
    network_events: str
    left_in_home: list[str]


@pytest.fixture(scope="session")
def first_use(settings: Settings, space: FeatureSpace, tmp_path_factory: pytest.TempPathFactory) -> FirstUse:
    folder = tmp_path_factory.mktemp("first-use")
    home, seen = folder / "home", folder / "seen.txt"
    home.mkdir()
    seen.touch()
    (folder / "sitecustomize.py").write_text(WATCH % str(seen))
    environment = {**environment_of(settings), "HOME": str(home), "PYTHONPATH": str(folder)}
    environment.pop("CI", None)  # with it, OpenVINO's telemetry would keep quiet by itself
    answer = subprocess.run(
        [sys.executable, "-c", SERVE % SIDE], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return FirstUse(answer.stdout.strip(), seen.read_text(), [path.name for path in home.iterdir()])


@pytest.fixture(scope="session")
def built(settings: Settings, space: FeatureSpace, first_use: FirstUse) -> Path:
    """The published folder of an engine that `load_engine` built on first use."""
    return engine_folder(settings, space)


@pytest.fixture
def copied(settings: Settings, space: FeatureSpace, built: Path, tmp_path: Path) -> tuple[Settings, Path]:
    """Settings with a data folder of their own and, in it, a copy of the engine to spoil."""
    own = dataclasses.replace(settings, data_dir=tmp_path / "data")
    folder = engine_folder(own, space)
    shutil.copytree(built, folder)
    return own, folder
