"""Base weights: taken from the first source that has the right numbers, and from no other."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shared.errors import BaseWeightsError
from shared.settings import IMAGENET_XCEPTION_DIGEST, Settings, load_settings
from tests.random_weights import random_arrays, write_random_weights
from tests.worker.network.conftest import Weights
from worker.network.base_weights import (
    BaseWeights,
    cache_path,
    ensure_base_weights,
    fetch_base_weights,
    load_base_weights,
)
from worker.network.weight_arrays import ARRAY_COUNT, NUMBER_COUNT, digest_of


def without_file(settings: Settings) -> Settings:
    return dataclasses.replace(settings, base_weights=None)


def test_the_given_file_is_verified_and_kept(settings: Settings, weights: Weights) -> None:
    path = ensure_base_weights(settings)

    assert path == settings.data_dir / "base_weights" / f"{weights.digest}.npz"
    arrays = load_base_weights(path)
    assert len(arrays) == ARRAY_COUNT == 234
    assert sum(array.size for array in arrays) == NUMBER_COUNT
    assert digest_of(arrays) == weights.digest


def test_what_was_kept_is_enough_the_next_time(settings: Settings) -> None:
    given = fetch_base_weights(settings)
    path, written = given.path, given.path.stat().st_mtime_ns

    assert given.source == f"HANGTAG_BASE_WEIGHTS={settings.base_weights}"
    assert fetch_base_weights(without_file(settings)) == BaseWeights(path, "the cache")
    assert path.stat().st_mtime_ns == written


def test_a_file_with_other_numbers_is_refused_and_all_sources_are_named(
    settings: Settings, tmp_path: Path
) -> None:
    other = tmp_path / "other.npz"
    write_random_weights(other, seed=8)

    with pytest.raises(BaseWeightsError) as caught:
        ensure_base_weights(dataclasses.replace(settings, base_weights=other))

    message = caught.value.message
    assert f"HANGTAG_BASE_WEIGHTS={other}: the digest of its numbers is" in message
    assert "cache: nothing was kept yet" in message
    assert "Keras' download: skipped" in message
    assert "package index: skipped" in message
    assert "Set HANGTAG_BASE_WEIGHTS to a copy" in message
    assert not cache_path(settings).exists()


def test_a_damaged_cache_is_never_used_and_repaired_from_the_file(settings: Settings) -> None:
    path = ensure_base_weights(settings)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(BaseWeightsError, match=r"cache: .*(CRC|digest)"):
        ensure_base_weights(without_file(settings))
    with pytest.raises(BaseWeightsError, match="Remove the file"):
        load_base_weights(path)
    assert digest_of(load_base_weights(ensure_base_weights(settings))) == settings.base_weights_digest


def test_a_pickle_in_a_weights_file_is_not_opened(settings: Settings, tmp_path: Path) -> None:
    trap = tmp_path / "trap.npz"
    objects = {f"{index:03}": np.array([{}], dtype=object) for index in range(ARRAY_COUNT)}
    np.savez(trap, allow_pickle=True, **objects)

    with pytest.raises(BaseWeightsError, match="allow_pickle=False"):
        ensure_base_weights(dataclasses.replace(settings, base_weights=trap))


def test_nothing_half_written_is_left_behind(settings: Settings) -> None:
    path = ensure_base_weights(settings)

    assert {entry.name for entry in path.parent.iterdir()} == {path.name, path.with_suffix(".lock").name}


def test_two_processes_that_start_together_both_get_the_weights(settings: Settings) -> None:
    code = (
        "from shared.settings import load_settings;"
        "from worker.network.base_weights import ensure_base_weights, load_base_weights;"
        "print(len(load_base_weights(ensure_base_weights(load_settings()))))"
    )
    environment = {
        **os.environ,
        "HANGTAG_DATA_DIR": str(settings.data_dir),
        "HANGTAG_BASE_WEIGHTS": str(settings.base_weights),
        "HANGTAG_BASE_WEIGHTS_DIGEST": settings.base_weights_digest,
    }
    starts = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in starts] == ["234", "234"]


def test_weights_are_had_without_importing_tensorflow(settings: Settings) -> None:
    code = (
        "import sys, worker.network.base_weights, worker.network.mirror_wheel;"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_the_same_seed_gives_the_same_random_weights() -> None:
    assert digest_of(random_arrays(3)) == digest_of(random_arrays(3)) != digest_of(random_arrays(4))


@pytest.mark.weights
def test_the_real_weights_have_the_published_digest(tmp_path: Path, imagenet_weights: Path) -> None:
    given = str(imagenet_weights)
    settings = load_settings({"HANGTAG_DATA_DIR": str(tmp_path), "HANGTAG_BASE_WEIGHTS": given})

    assert ensure_base_weights(settings).stem == IMAGENET_XCEPTION_DIGEST
