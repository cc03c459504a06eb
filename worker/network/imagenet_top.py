"""ImageNet's own 1000 labels on top of Xception, out of the two files that Keras publishes."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from shared.errors import PermanentError
from shared.models.diagnostic import LABEL_COUNT
from shared.models.head import Head
from shared.settings import Settings
from worker.network.keras_download import DownloadError, download_from_keras
from worker.network.keras_files import read_classifier_file
from worker.network.progress import Report
from worker.network.weight_arrays import UnreadableWeightsError, digest_of


class ImagenetFilesError(PermanentError):
    """The files with ImageNet's 1000 labels are not there. Name their folder in HANGTAG_IMAGENET_DIR."""

    code = "imagenet_unavailable"


class Published(NamedTuple):
    """A file of Keras: where it is, and the MD5 that Keras itself compares after a download."""

    address: str
    md5: str

    @property
    def name(self) -> str:
        """What the file is called, there and in ~/.keras/models."""
        return self.address.rpartition("/")[2]


# keras.applications.xception and keras.applications.imagenet_utils; a test compares them.
WEIGHTS = Published(
    "https://storage.googleapis.com/tensorflow/keras-applications/"
    "xception/xception_weights_tf_dim_ordering_tf_kernels.h5",
    "0a58e3b7378bc2990ea3b43d5981f1f6",
)
LABELS = Published(
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
)
# The list has 35 kB; whatever is much larger is another file.
MAX_LABEL_BYTES = 1024 * 1024
HOW_TO_SUPPLY = (
    f"Put {WEIGHTS.name} and {LABELS.name}, as Keras keeps them in ~/.keras/models, into a folder, name it "
    "in HANGTAG_IMAGENET_DIR and restart Hangtag."
)


@dataclass(frozen=True, slots=True, eq=False)
class ImagenetTop:
    """The published top as a head, its labels, and the SHA-256 of both files by their names."""

    head: Head
    labels: list[str]
    files: dict[str, str]


def imagenet_top(settings: Settings, report: Report) -> ImagenetTop:
    """The top from the folder HANGTAG_IMAGENET_DIR if it is set, else from Keras' own download.

    Downloads must have the MD5 that Keras publishes. From wherever it comes, the network below the top must
    be the base weights in use, number for number: else the top belongs to another network.

    Raises:
        ImagenetFilesError: the files are not there or not what they should be; the message says what to do.
    """
    if settings.imagenet_dir is not None:
        return _read(settings, settings.imagenet_dir)
    with tempfile.TemporaryDirectory(prefix="hangtag-imagenet-") as folder:
        for published in (WEIGHTS, LABELS):
            _download(published, Path(folder), report)
        return _read(settings, Path(folder))


def _download(published: Published, folder: Path, report: Report) -> None:
    try:
        path = download_from_keras(folder, report, published.address)
    except DownloadError as error:
        raise ImagenetFilesError(f"Keras' download failed: {error}. {HOW_TO_SUPPLY}") from error
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != published.md5:
        raise ImagenetFilesError(f"What came as {path.name} is not what Keras publishes. {HOW_TO_SUPPLY}")


def _read(settings: Settings, folder: Path) -> ImagenetTop:
    weights, labels = folder / WEIGHTS.name, folder / LABELS.name
    for path in (weights, labels):
        if not path.is_file():
            raise ImagenetFilesError(f"There is no {path.name} in {folder}. {HOW_TO_SUPPLY}")
    try:
        below, (kernel, bias) = read_classifier_file(weights)
    except UnreadableWeightsError as error:
        raise ImagenetFilesError(f"{weights.name} cannot be used: {error}. {HOW_TO_SUPPLY}") from error
    found = digest_of(below)
    if found != settings.base_weights_digest:
        raise ImagenetFilesError(
            f"The network in {weights.name} has the digest {found[:16]}... below its top, the base weights "
            f"in use have {settings.base_weights_digest[:16]}.... {HOW_TO_SUPPLY}"
        )
    return ImagenetTop(
        Head(kernel, bias), _labels(labels), {path.name: _sha256(path) for path in (weights, labels)}
    )


def _labels(path: Path) -> list[str]:
    """The labels in the order of the network's outputs; two animals and machines of one name stay apart."""
    if path.stat().st_size > MAX_LABEL_BYTES:
        raise ImagenetFilesError(f"{path.name} is too large to be the list of labels. {HOW_TO_SUPPLY}")
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        entries = [(str(synset), str(name)) for synset, name in (index[str(i)] for i in range(LABEL_COUNT))]
    except (ValueError, KeyError, TypeError) as error:
        raise ImagenetFilesError(f"{path.name} is not the list of 1000 labels. {HOW_TO_SUPPLY}") from error
    uses = Counter(name for _, name in entries)
    return [
        name.replace("_", " ") if uses[name] == 1 else f"{name.replace('_', ' ')} ({synset})"
        for synset, name in entries
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
