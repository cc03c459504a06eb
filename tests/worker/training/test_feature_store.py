"""Features are computed once, survive what can happen to a process, and go when their photo goes."""

from __future__ import annotations

import hashlib
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from shared.errors import PhotoGoneError, ValidationError
from shared.models.feature_space import FEATURE_COUNT, FeatureSpace
from worker.training.feature_store import FeatureStore, Floats

SPACE = FeatureSpace("ab" * 32, 150)
RECORD_BYTES = 32 + 4 * FEATURE_COUNT


def _digest(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def _digests(*names: object) -> list[str]:
    return [_digest(name) for name in names]


def _features(*values: float) -> Floats:
    """One row per value, recognisable by it and different in every column."""
    return np.array(values, np.float32)[:, None] + np.linspace(0, 0.5, FEATURE_COUNT, dtype=np.float32)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features", SPACE)


def _file(tmp_path: Path) -> Path:
    return tmp_path / "features" / f"{SPACE.key}.features"


def test_features_come_back_in_the_order_asked_for(store: FeatureStore) -> None:
    store.append(_digests("a", "b", "c"), _features(1, 2, 3))
    found = store.read(_digests("c", "a", "c"))
    assert found.dtype == np.float32
    assert (found == _features(3, 1, 3)).all()


def test_another_process_start_finds_them_again(store: FeatureStore, tmp_path: Path) -> None:
    store.append(_digests("a"), _features(1))
    store.append(_digests("b"), _features(2))
    again = FeatureStore(tmp_path / "features", SPACE)
    assert (again.read(_digests("a", "b")) == _features(1, 2)).all()


def test_a_record_is_the_digest_and_then_little_endian_numbers(store: FeatureStore, tmp_path: Path) -> None:
    store.append(_digests("a"), _features(1))
    assert _file(tmp_path).read_bytes() == bytes.fromhex(_digest("a")) + _features(1).astype("<f4").tobytes()


def test_what_is_missing_is_named_once_and_in_order(store: FeatureStore) -> None:
    assert store.missing(_digests("b", "a", "b")) == _digests("b", "a")
    store.append(_digests("a"), _features(1))
    assert store.missing(_digests("c", "a", "b")) == _digests("c", "b")


def test_features_of_another_space_do_not_count(store: FeatureStore, tmp_path: Path) -> None:
    store.append(_digests("a"), _features(1))
    other = FeatureStore(tmp_path / "features", FeatureSpace(SPACE.base_digest, 299))
    assert other.missing(_digests("a")) == _digests("a")


def test_reading_an_unknown_photo_names_it(store: FeatureStore) -> None:
    store.append(_digests("a"), _features(1))
    with pytest.raises(PhotoGoneError, match=f"1 of 2 photos .*{_digest('b')}"):
        store.read(_digests("a", "b"))


def test_reading_and_adding_nothing_is_fine(store: FeatureStore) -> None:
    store.append([], np.empty((0, FEATURE_COUNT), np.float32))
    assert store.read([]).shape == (0, FEATURE_COUNT)


def test_of_two_records_of_one_photo_the_first_counts(store: FeatureStore) -> None:
    store.append(_digests("a"), _features(1))
    store.append(_digests("a", "b"), _features(8, 2))
    assert (store.read(_digests("a", "b")) == _features(1, 2)).all()


@pytest.mark.parametrize("torn", [1, 31, 32, 33, RECORD_BYTES - 1])
def test_a_write_cut_short_costs_only_the_torn_record(store: FeatureStore, tmp_path: Path, torn: int) -> None:
    store.append(_digests("a", "b"), _features(1, 2))
    with _file(tmp_path).open("r+b") as file:
        file.truncate(RECORD_BYTES + torn)
    again = FeatureStore(tmp_path / "features", SPACE)
    assert again.missing(_digests("a", "b")) == _digests("b")
    again.append(_digests("c"), _features(3))
    assert (again.read(_digests("a", "c")) == _features(1, 3)).all()
    assert _file(tmp_path).stat().st_size == 2 * RECORD_BYTES


def test_a_removed_photo_leaves_nothing_in_the_folder(store: FeatureStore, tmp_path: Path) -> None:
    store.append(_digests("a", "b", "a", "c"), _features(1, 2, 1, 3))
    store.remove(_digests("a", "unknown"))
    assert store.missing(_digests("a", "b", "c")) == _digests("a")
    assert (store.read(_digests("b", "c")) == _features(2, 3)).all()
    written = b"".join(path.read_bytes() for path in (tmp_path / "features").iterdir())
    assert bytes.fromhex(_digest("a")) not in written


def test_a_removed_photo_is_gone_from_the_torn_tail_too(store: FeatureStore, tmp_path: Path) -> None:
    store.append(_digests("a"), _features(1))
    with _file(tmp_path).open("r+b") as file:
        file.truncate(RECORD_BYTES - 4)
    store.remove(_digests("a"))
    assert _file(tmp_path).read_bytes() == b""


def test_a_removed_photo_can_be_added_again(store: FeatureStore) -> None:
    store.append(_digests("a"), _features(1))
    store.remove(_digests("a"))
    store.append(_digests("a"), _features(2))
    assert (store.read(_digests("a")) == _features(2)).all()


def test_removing_where_nothing_is_stored_is_fine(store: FeatureStore) -> None:
    store.remove(_digests("a"))
    assert store.missing(_digests("a")) == _digests("a")


def test_removing_the_unknown_does_not_rewrite_the_file(store: FeatureStore, tmp_path: Path) -> None:
    store.append(_digests("a"), _features(1))
    before = _file(tmp_path).stat()
    store.remove(_digests("b"))
    after = _file(tmp_path).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_more_records_than_are_copied_at_once_survive_a_removal(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.training.feature_store.COPIED_AT_ONCE", 3)
    store.append(_digests(*range(8)), _features(*range(8)))
    store.remove(_digests(0, 5))
    assert (store.read(_digests(1, 2, 3, 4, 6, 7)) == _features(1, 2, 3, 4, 6, 7)).all()


@pytest.mark.parametrize(
    ("digests", "features"),
    [
        (_digests("a", "b"), _features(1)),
        (_digests("a"), _features(1)[:, :-1]),
        (_digests("a"), _features(float("nan"))),
        (_digests("a"), _features(float("inf"))),
        (["abc"], _features(1)),
        (["g" * 64], _features(1)),
    ],
)
def test_what_cannot_be_features_is_refused_and_leaves_no_trace(
    store: FeatureStore, tmp_path: Path, digests: list[str], features: Floats
) -> None:
    with pytest.raises(ValidationError):
        store.append(digests, features)
    assert not _file(tmp_path).exists()


def _append_many(directory: Path, process: int) -> None:
    store = FeatureStore(directory, SPACE)
    for number in range(20):
        names = [f"{process}-{number}-{i}" for i in range(5)]
        store.append(_digests(*names), _features(*[process * 1000 + number * 10 + i for i in range(5)]))


def _remove_many(directory: Path) -> None:
    store = FeatureStore(directory, SPACE)
    for number in range(20):
        store.remove(_digests(f"doomed-{number}"))


def test_processes_that_add_and_remove_at_once_lose_nothing(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, SPACE)
    store.append(_digests(*[f"doomed-{n}" for n in range(20)]), _features(*range(20)))
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_append_many, args=(tmp_path, p)) for p in range(2)]
    processes.append(spawn.Process(target=_remove_many, args=(tmp_path,)))
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    names = [(p, n, i) for p in range(2) for n in range(20) for i in range(5)]
    expected = _features(*[p * 1000 + n * 10 + i for p, n, i in names])
    assert (store.read(_digests(*[f"{p}-{n}-{i}" for p, n, i in names])) == expected).all()
    assert len(store.missing(_digests(*[f"doomed-{n}" for n in range(20)]))) == 20
