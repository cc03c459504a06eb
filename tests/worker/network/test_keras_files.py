"""Weights files of Keras, and files that only look like them."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.worker.network.conftest import Weights
from worker.network.keras_files import MAX_MEMBER_BYTES, read_weights_file
from worker.network.weight_arrays import UnreadableWeightsError, digest_of

# Keras 3.15 saves through numpy's older conversion protocol, about which numpy 2.4 complains; Hangtag itself
# never saves in these forms.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend"
)


@pytest.mark.parametrize("form", ["weights", "archive", "nested archive", "older model", "older weights"])
def test_every_form_in_which_keras_saves_gives_the_same_numbers(
    form: str, keras_files: dict[str, Path], weights: Weights
) -> None:
    assert digest_of(read_weights_file(keras_files[form])) == weights.digest


def test_a_dataset_that_refers_to_another_file_is_refused(
    keras_files: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "linked.weights.h5"
    shutil.copy(keras_files["weights"], path)
    with h5py.File(path, "a") as file:
        variables = file["layers/conv2d/vars"]
        del variables["0"]
        variables["0"] = h5py.ExternalLink(keras_files["weights"], "layers/conv2d/vars/0")

    with pytest.raises(UnreadableWeightsError, match="refers to other files"):
        read_weights_file(path)


def test_a_dataset_made_of_raw_bytes_of_another_file_is_refused(
    keras_files: dict[str, Path], tmp_path: Path
) -> None:
    path, secret = tmp_path / "raw.weights.h5", tmp_path / "secret"
    secret.write_bytes(b"s" * 3 * 3 * 3 * 32 * 4)
    shutil.copy(keras_files["weights"], path)
    with h5py.File(path, "a") as file:
        variables = file["layers/conv2d/vars"]
        del variables["0"]
        variables.create_dataset(
            "0", shape=(3, 3, 3, 32), dtype="<f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
        )

    with pytest.raises(UnreadableWeightsError, match="refers to other files"):
        read_weights_file(path)


def test_a_file_with_more_numbers_than_xception_is_refused_unread(
    keras_files: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "large.weights.h5"
    shutil.copy(keras_files["weights"], path)
    with h5py.File(path, "a") as file:
        variables = file["layers/conv2d/vars"]
        del variables["0"]
        # Four terabytes on paper, nothing on disk: HDF5 stores what was never written as nothing.
        variables.create_dataset("0", shape=(10**12,), dtype="<f4", chunks=(1024,))

    with pytest.raises(UnreadableWeightsError, match="more than 20861480 numbers"):
        read_weights_file(path)


def test_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", data=np.zeros((2, 2), dtype=np.float32))

    with pytest.raises(UnreadableWeightsError, match="none of the networks in it is Xception"):
        read_weights_file(path)


@pytest.mark.parametrize("name", ["a.npz", "a.keras", "a.weights.h5", "a.h5"])
def test_a_file_that_is_no_weights_file_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"this is a letter")

    with pytest.raises(UnreadableWeightsError):
        read_weights_file(path)


def test_a_file_of_another_kind_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(UnreadableWeightsError, match=r"must end in \.npz"):
        read_weights_file(tmp_path / "weights.pkl")


def test_an_archive_that_would_unpack_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.keras"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("model.weights.h5", "w") as member,
    ):
        for _ in range(MAX_MEMBER_BYTES // 2**24 + 1):
            member.write(bytes(2**24))

    with pytest.raises(UnreadableWeightsError, match="is larger than"):
        read_weights_file(path)
