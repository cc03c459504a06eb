"""Random base weights, and a small world to train in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.models.feature_space import FeatureSpace
from shared.settings import Settings
from tests.random_weights import write_random_weights
from tests.worker.training_system import training_world
from worker.context import WorkerContext
from worker.engines import keras_engine
from worker.engines.keras_engine import KerasEngine, load_keras_engine


class RandomWeights(NamedTuple):
    """A weights file and the digest of its numbers."""

    path: Path
    digest: str


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> RandomWeights:
    path = tmp_path_factory.mktemp("random-weights") / "random.npz"
    return RandomWeights(path, write_random_weights(path))


@pytest.fixture(scope="session")
def loaded_engines() -> dict[FeatureSpace, KerasEngine]:
    """Engines that earlier tests compiled."""
    return {}


@pytest.fixture
def training_context(
    settings: Settings,
    random_weights: RandomWeights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    loaded_engines: dict[FeatureSpace, KerasEngine],
) -> Iterator[WorkerContext]:
    """A training worker with eight photos on each side, of two kinds.

    The real engine of the frozen network is compiled once for all tests, which takes longer than a training.
    """

    def load(settings: Settings, space: FeatureSpace, weights: Path, reason: str) -> KerasEngine:
        if space.layers_digest:
            return load_keras_engine(settings, space, weights, reason)
        if space not in loaded_engines:
            loaded_engines[space] = load_keras_engine(settings, space, weights, reason)
        return loaded_engines[space]

    monkeypatch.setattr(keras_engine, "load_keras_engine", load)
    with training_world(settings, *random_weights, tmp_path / "photos") as context:
        yield context


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A fresh SQLite database, for what takes long and writes nothing special."""
    shutil.copy(migrated_sqlite, tmp_path / "hangtag.db")
    return f"sqlite:///{tmp_path}/hangtag.db"
