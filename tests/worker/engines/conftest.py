"""Random base weights, and one OpenVINO engine that is really built and compared, for all tests here."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from shared.models.feature_space import FeatureSpace
from shared.settings import Settings, load_settings
from tests.random_weights import write_random_weights
from worker.engines.choose import load_engine
from worker.engines.published import engine_folder

SIDE = 71


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


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("engines")
    weights = folder / "random.npz"
    return make_settings(folder / "data", weights, write_random_weights(weights))


@pytest.fixture(scope="session")
def space(settings: Settings) -> FeatureSpace:
    return FeatureSpace(settings.base_weights_digest, SIDE)


@pytest.fixture(scope="session")
def built(settings: Settings, space: FeatureSpace) -> Path:
    """The published folder of an engine that `load_engine` built on first use."""
    load_engine(settings, space)
    return engine_folder(settings, space)


@pytest.fixture
def copied(settings: Settings, space: FeatureSpace, built: Path, tmp_path: Path) -> tuple[Settings, Path]:
    """Settings with a data folder of their own and, in it, a copy of the engine to spoil."""
    own = dataclasses.replace(settings, data_dir=tmp_path / "data")
    folder = engine_folder(own, space)
    shutil.copytree(built, folder)
    return own, folder
