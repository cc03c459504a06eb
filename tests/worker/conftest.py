"""Random base weights, and a small world to train in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.settings import Settings
from tests.random_weights import write_random_weights
from tests.worker.training_system import training_world
from worker.context import WorkerContext


class RandomWeights(NamedTuple):
    """A weights file and the digest of its numbers."""

    path: Path
    digest: str


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> RandomWeights:
    path = tmp_path_factory.mktemp("random-weights") / "random.npz"
    return RandomWeights(path, write_random_weights(path))


@pytest.fixture
def training_context(
    settings: Settings, random_weights: RandomWeights, tmp_path: Path
) -> Iterator[WorkerContext]:
    """A training worker with eight photos on each side, of two kinds."""
    with training_world(settings, *random_weights, tmp_path / "photos") as context:
        yield context


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A fresh SQLite database, for what takes long and writes nothing special."""
    shutil.copy(migrated_sqlite, tmp_path / "hangtag.db")
    return f"sqlite:///{tmp_path}/hangtag.db"
