"""Read Xception's arrays out of Keras files with h5py alone: a foreign file is data, never code to load."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from worker.network.weight_arrays import (
    ARRAYS_PER_LAYER,
    LAYER_ORDER,
    NUMBER_COUNT,
    Arrays,
    UnreadableWeightsError,
    as_float32,
    read_npz,
)

# The float32 numbers take 84 MB; a .keras file may carry an optimizer's two copies besides.
MAX_MEMBER_BYTES = 512 * 1024 * 1024
# The top that tells 1000 categories apart: a kernel of 2048 x 1000 and a bias.
TOP_ARRAYS = 2
TOP_NUMBERS = 2049 * 1000
WEIGHTS_MEMBER = "model.weights.h5"
# Marks the group of a Keras 3 weights file that holds Xception: no smaller network has that many of both.
_LANDMARKS = ("separable_conv2d_33", "batch_normalization_39", "conv2d_5")


def read_weights_file(path: Path) -> Arrays:
    """Read a `.npz` of ours, a `.keras`, a `.weights.h5` or an older `.h5` of Keras.

    Returns:
        234 float32 arrays in `get_weights()` order. They are not verified: compare their digest.

    Raises:
        UnreadableWeightsError: the file has another form or another network in it.
    """
    if path.suffix == ".npz":
        return read_npz(path)
    if path.suffix == ".keras":
        with extracted(path, lambda name: name == WEIGHTS_MEMBER) as inner:
            return _read_hdf5(inner)
    if path.suffix in {".h5", ".hdf5"}:
        return _read_hdf5(path)
    raise UnreadableWeightsError("its name must end in .npz, .keras, .weights.h5 or .h5")


def read_classifier_file(path: Path) -> tuple[Arrays, Arrays]:
    """Read the older `.h5` in which Keras publishes the whole network, its ImageNet top included.

    Returns:
        The 234 arrays below the top in `get_weights()` order, and kernel and bias of the top.

    Raises:
        UnreadableWeightsError: the file has another form or another network in it.
    """
    try:
        with h5py.File(path, "r") as file:
            older = file.get("model_weights", file)
            if "layer_names" not in older.attrs:
                raise UnreadableWeightsError("it is not in the form in which Keras publishes it")
            datasets = list(_older_datasets(older))
            below, top = datasets[:-TOP_ARRAYS], datasets[-TOP_ARRAYS:]
            return _read_datasets(file, iter(below)), _read_datasets(file, iter(top), TOP_NUMBERS)
    except (OSError, KeyError, RuntimeError) as error:
        raise UnreadableWeightsError(f"it is not a readable HDF5 file of Keras ({error})") from error


@contextmanager
def extracted(archive: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """One member of a zip archive as a temporary file, chosen by its name, its size limited.

    Raises:
        UnreadableWeightsError: not exactly one member is wanted, or it is too large.
    """
    with tempfile.TemporaryDirectory(prefix="hangtag-weights-") as folder:
        try:
            with zipfile.ZipFile(archive) as opened:
                info = _only_member(opened, wanted)
                target = Path(folder) / f"member{Path(info.filename).suffix}"
                with opened.open(info) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise UnreadableWeightsError(f"it is not a whole zip archive ({error})") from error
        yield target


def _only_member(archive: zipfile.ZipFile, wanted: Callable[[str], bool]) -> zipfile.ZipInfo:
    found = [info for info in archive.infolist() if wanted(info.filename)]
    if len(found) != 1:
        raise UnreadableWeightsError(f"it holds {len(found)} files of the wanted kind instead of one")
    if found[0].file_size > MAX_MEMBER_BYTES:
        raise UnreadableWeightsError(f"{found[0].filename} is larger than {MAX_MEMBER_BYTES} bytes")
    return found[0]


def _read_hdf5(path: Path) -> Arrays:
    try:
        with h5py.File(path, "r") as file:
            older = file.get("model_weights", file)
            if "layer_names" in older.attrs:
                return _read_datasets(file, _older_datasets(older))
            return _read_datasets(file, _datasets(_xception_layers(file)))
    except (OSError, KeyError, RuntimeError) as error:
        raise UnreadableWeightsError(f"it is not a readable HDF5 file of Keras ({error})") from error


def _older_datasets(group: h5py.Group) -> Iterator[h5py.Dataset]:
    """Keras 1 and 2 list layers and their arrays by name, in `get_weights()` order."""
    for layer in group.attrs["layer_names"]:
        entry = group[_text(layer)]
        for weight in entry.attrs["weight_names"]:
            yield entry[_text(weight)]


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _xception_layers(group: h5py.Group) -> h5py.Group:
    """The group whose members are Xception's layers: at the top, or inside a nested model."""
    layers = group.get("layers")
    if layers is None:
        raise UnreadableWeightsError("it has no group 'layers'")
    if all(name in layers for name in _LANDMARKS):
        return layers
    for child in layers.values():
        if isinstance(child, h5py.Group) and "layers" in child:
            return _xception_layers(child)
    raise UnreadableWeightsError("none of the networks in it is Xception")


def _datasets(layers: h5py.Group) -> Iterator[h5py.Dataset]:
    """Keras 3 numbers the layers of each kind in the order in which the network has them."""
    seen = dict.fromkeys(ARRAYS_PER_LAYER, 0)
    for kind in LAYER_ORDER:
        name = f"{kind}_{seen[kind]}" if seen[kind] else kind
        seen[kind] += 1
        for index in range(ARRAYS_PER_LAYER[kind]):
            yield layers[name]["vars"][str(index)]


def _read_datasets(file: h5py.File, datasets: Iterator[h5py.Dataset], count: int = NUMBER_COUNT) -> Arrays:
    arrays: Arrays = []
    room = count
    for dataset in datasets:
        _require_plain(file, dataset)
        room -= int(dataset.size)
        if room < 0:
            raise UnreadableWeightsError(f"it holds more than {count} numbers")
        arrays.append(as_float32(np.asarray(dataset[()])))
    if room:
        raise UnreadableWeightsError(f"it holds {count - room} numbers instead of {count}")
    return arrays


def _require_plain(file: h5py.File, dataset: object) -> None:
    """HDF5 can make a dataset out of other files on this machine; such a thing is no weights file."""
    if not isinstance(dataset, h5py.Dataset):
        raise UnreadableWeightsError("an array is missing in it")
    if dataset.external or dataset.is_virtual or dataset.file.filename != file.filename:
        raise UnreadableWeightsError("it refers to other files, which is refused")
