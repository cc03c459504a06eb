"""Xception's ImageNet weights: fetched once from the first source that answers, verified, and kept."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.errors import BaseWeightsError
from shared.settings import IMAGENET_XCEPTION_DIGEST, Settings
from worker.network import keras_download, mirror_wheel
from worker.network.file_lock import file_lock
from worker.network.keras_download import DownloadError
from worker.network.keras_files import read_weights_file
from worker.network.progress import Report, no_report
from worker.network.weight_arrays import Arrays, UnreadableWeightsError, digest_of, read_npz, write_arrays

log = logging.getLogger(__name__)
CACHE = "the cache"


class _SourceError(Exception):
    """Why one source gave no usable weights."""


class _NothingThereError(_SourceError):
    """The source is empty or does not apply, which is nothing to warn of."""


def cache_path(settings: Settings) -> Path:
    """Where the verified weights of these settings are kept, whether they are there yet or not."""
    return settings.data_dir / "base_weights" / f"{settings.base_weights_digest}.npz"


@dataclass(frozen=True, slots=True)
class BaseWeights:
    """A verified `.npz` file for `load_base_weights`, and where its numbers come from, in words."""

    path: Path
    source: str


def ensure_base_weights(settings: Settings, report: Report = no_report) -> Path:
    """Return the cache file of the base weights, fetching them if need be: see `fetch_base_weights`."""
    return fetch_base_weights(settings, report).path


def fetch_base_weights(settings: Settings, report: Report = no_report) -> BaseWeights:
    """See that the base weights are in the cache, `settings.data_dir/base_weights/`.

    The sources are HANGTAG_BASE_WEIGHTS (a file), the cache, Keras' own download and a package index, in this
    order. Nothing is accepted whose digest is not `settings.base_weights_digest`. Of several processes that
    ask at once one fetches; the others wait for it.

    Raises:
        BaseWeightsError: every source failed; the message says why each did and what to do.
    """
    cache = cache_path(settings)
    with file_lock(cache.with_suffix(".lock"), "fetch the base weights"):
        failures: list[str] = []
        for name, source in _sources(settings, report):
            try:
                arrays = _verified(source(), settings.base_weights_digest)
            except (_SourceError, DownloadError, UnreadableWeightsError, OSError) as error:
                level = logging.INFO if isinstance(error, _NothingThereError) else logging.WARNING
                log.log(level, "base weights, not from %s: %s", name, error)
                failures.append(f"{name}: {error}")
                continue
            if name != CACHE:
                write_arrays(cache, arrays)
                log.info("base weights: taken from %s", name)
            return BaseWeights(cache, name)
    raise BaseWeightsError(_all_failed(settings, failures))


def load_base_weights(path: Path) -> Arrays:
    """Read a file of `ensure_base_weights`: 234 float32 arrays in `get_weights()` order, digest = file name.

    Raises:
        BaseWeightsError: the file was damaged since it was written.
    """
    try:
        return _verified(read_npz(path), path.stem)
    except (_SourceError, UnreadableWeightsError) as error:
        raise BaseWeightsError(
            f"The base weights in {path} cannot be used: {error}. Remove the file."
        ) from error


def _verified(arrays: Arrays, digest: str) -> Arrays:
    found = digest_of(arrays)
    if found != digest:
        raise _SourceError(f"the digest of its numbers is {found[:16]}... instead of {digest[:16]}...")
    return arrays


def _sources(settings: Settings, report: Report) -> Iterator[tuple[str, Callable[[], Arrays]]]:
    path = settings.base_weights
    if path is not None:
        yield f"HANGTAG_BASE_WEIGHTS={path}", lambda: read_weights_file(path)
    yield CACHE, lambda: _cached(cache_path(settings))
    yield keras_download.SOURCE, lambda: _only_imagenet(settings, _from_keras, report)
    yield mirror_wheel.SOURCE, lambda: _only_imagenet(settings, _from_index, report)


def _cached(cache: Path) -> Arrays:
    if not cache.is_file():
        raise _NothingThereError("nothing was kept yet")
    return read_npz(cache)


def _only_imagenet(settings: Settings, fetch: Callable[[Report], Arrays], report: Report) -> Arrays:
    if settings.base_weights_digest != IMAGENET_XCEPTION_DIGEST:
        raise _NothingThereError(
            "skipped, it has the ImageNet weights and HANGTAG_BASE_WEIGHTS_DIGEST asks for others"
        )
    return fetch(report)


def _from_keras(report: Report) -> Arrays:
    with tempfile.TemporaryDirectory(prefix="hangtag-weights-") as folder:
        return read_weights_file(keras_download.download_from_keras(Path(folder), report))


def _from_index(report: Report) -> Arrays:
    with tempfile.TemporaryDirectory(prefix="hangtag-weights-") as folder:
        return mirror_wheel.download_from_index(Path(folder), report)


def _all_failed(settings: Settings, failures: list[str]) -> str:
    tried = "; ".join(f"({number}) {failure}" for number, failure in enumerate(failures, start=1))
    return (
        f"No source gave base weights with the digest {settings.base_weights_digest}. Tried: {tried}. "
        "Set HANGTAG_BASE_WEIGHTS to a copy of Keras' xception_weights_tf_dim_ordering_tf_kernels_notop.h5 "
        "(or to an .npz, .keras or .weights.h5 file with the same numbers), or start once where the package "
        f"index can be reached, and copy {cache_path(settings)} from there."
    )
