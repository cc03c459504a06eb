"""Checkpoints: what is saved comes back in every bit, what is damaged or foreign is passed over."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from shared.models.feature_space import FEATURE_COUNT
from tests.factories import random_head
from worker.training.checkpoints import Checkpoints, folders_in, remove_folders
from worker.training.course import EpochMetrics, TrainingState

JOB = "0198a1b2-0000-7000-8000-000000000001"
MADE_FOR: dict[str, Any] = {"parameters": {"learning_rate": 0.0005}, "dataset_digest": "1" * 64}


def state_after(epoch: int, best_epoch: int | None = None) -> TrainingState:
    generator = np.random.default_rng(epoch)
    kernel = generator.normal(size=(FEATURE_COUNT, 3)).astype(np.float32)
    history = [EpochMetrics(n, 1 / (3 * n), 0.1, 0.2, n / 7, 0.5) for n in range(1, epoch + 1)]
    variables = (kernel, np.array([7, epoch]), np.float32(0.001) * np.ones((), np.float32))
    return TrainingState(variables, tuple(history), best_epoch or epoch, random_head(seed=epoch))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints" / JOB


@pytest.fixture
def checkpoints(folder: Path) -> Checkpoints:
    return Checkpoints(folder, MADE_FOR)


def names(folder: Path) -> list[str]:
    return sorted(path.name.rsplit(".", 2)[0] for path in folder.iterdir())


def newest(folder: Path) -> Path:
    return max(folder.iterdir(), key=lambda path: path.name.split("_")[2])


def test_a_training_without_checkpoints_starts_at_the_beginning(checkpoints: Checkpoints) -> None:
    assert checkpoints.latest() is None


def test_what_was_saved_comes_back_in_every_bit(checkpoints: Checkpoints) -> None:
    saved = state_after(3, best_epoch=2)
    checkpoints.save(saved)
    found = checkpoints.latest()
    assert found is not None
    assert (found.history, found.best_epoch) == (saved.history, 2)
    assert found.best_head.digest == saved.best_head.digest
    for read, written in zip(found.variables, saved.variables, strict=True):
        assert (read.dtype, read.shape, read.tobytes()) == (written.dtype, written.shape, written.tobytes())


def test_names_tell_the_job_the_epoch_and_its_accuracy(checkpoints: Checkpoints, folder: Path) -> None:
    checkpoints.save(state_after(3))
    assert names(folder) == [f"xception_v{JOB}_03_0.429"]


def test_the_two_latest_are_kept_and_that_of_the_best_epoch(checkpoints: Checkpoints, folder: Path) -> None:
    for epoch in range(1, 7):
        checkpoints.save(state_after(epoch, best_epoch=min(epoch, 2)))
    assert [name.split("_")[2] for name in names(folder)] == ["02", "05", "06"]


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def change_one_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [cut_short, change_one_bit, empty])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_the_log_says_so(
    checkpoints: Checkpoints, folder: Path, damage: Any
) -> None:
    checkpoints.save(state_after(1))
    checkpoints.save(state_after(2))
    broken = newest(folder)
    damage(broken)
    with capture_logs() as logs:
        found = checkpoints.latest()
    assert found is not None
    assert len(found.history) == 1
    assert [(log["event"], log["name"]) for log in logs] == [("checkpoint_ignored", broken.name)]


def test_a_checkpoint_that_hides_objects_is_never_unpickled(checkpoints: Checkpoints, folder: Path) -> None:
    folder.mkdir(parents=True)
    source = folder / "evil.npz"
    np.savez(source, about=np.array([{"made_for": MADE_FOR}], dtype=object))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    source.rename(folder / f"xception_v{JOB}_01_0.100.{digest}.npz")
    with capture_logs() as logs:
        assert checkpoints.latest() is None
    assert "allow_pickle" in logs[0]["reason"]


def test_a_checkpoint_of_other_parameters_data_or_libraries_is_not_used(
    checkpoints: Checkpoints, folder: Path
) -> None:
    checkpoints.save(state_after(1))
    with capture_logs() as logs:
        assert Checkpoints(folder, MADE_FOR | {"dataset_digest": "2" * 64}).latest() is None
    assert "other parameters" in logs[0]["reason"]


def test_what_was_damaged_makes_room_when_its_epoch_has_run_again(
    checkpoints: Checkpoints, folder: Path
) -> None:
    for epoch in (1, 2, 3):
        checkpoints.save(state_after(epoch))
    for path in folder.iterdir():
        if "_01_" not in path.name:
            empty(path)
    (folder / "new").write_bytes(b"half a checkp")  # what a process killed while writing leaves
    checkpoints.save(state_after(2))
    assert [name.split("_")[2] for name in names(folder)] == ["02"]
    found = checkpoints.latest()
    assert found is not None
    assert len(found.history) == 2


def test_a_killed_writer_leaves_the_checkpoint_before(checkpoints: Checkpoints, folder: Path) -> None:
    checkpoints.save(state_after(1))
    (folder / "new").write_bytes(b"half a checkp")
    found = checkpoints.latest()
    assert found is not None
    assert len(found.history) == 1


def test_folders_are_found_and_removed_by_job(checkpoints: Checkpoints, folder: Path) -> None:
    root = folder.parent
    assert folders_in(root) == set()
    checkpoints.save(state_after(1))
    assert folders_in(root) == {JOB}
    remove_folders(root, [JOB, "never-there"])
    assert folders_in(root) == set()
