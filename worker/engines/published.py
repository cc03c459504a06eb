"""A built OpenVINO engine on disk: its folder, its proof, and how the folder appears all at once."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from shared.errors import ChecksumError, ParityError
from shared.models.feature_space import FeatureSpace
from shared.settings import Settings
from worker.engines.parity import ParityReport
from worker.network.weight_arrays import sync_folder

NETWORK_FILE = "model.xml"
WEIGHTS_FILE = "model.bin"
REPORT_FILE = "parity.json"


def engine_folder(settings: Settings, feature_space: FeatureSpace) -> Path:
    """Where the OpenVINO engine of one feature space is published."""
    return settings.data_dir / "engines" / feature_space.key


def file_digests(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) of the two files that make up the network."""
    digests = {}
    for name in (NETWORK_FILE, WEIGHTS_FILE):
        with (folder / name).open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def require_usable(folder: Path, feature_space: FeatureSpace, engine_version: str) -> ParityReport:
    """Check that the engine in `folder` was compared with Keras and is still what was compared.

    Raises:
        ParityError: it was not built, not compared, did not pass, or belongs to another feature space or
            another release of OpenVINO.
        ChecksumError: a file of it changed since.
    """
    if not folder.is_dir():
        raise ParityError(f"The OpenVINO engine {folder.name} was not built yet.")
    try:
        report = ParityReport.from_json((folder / REPORT_FILE).read_text())
        digests = file_digests(folder)
    except FileNotFoundError as error:
        raise ParityError(f"The engine in {folder} is not complete: {error.filename} is missing.") from error
    if report.feature_space != feature_space:
        raise ParityError(
            f"The engine in {folder} was built for the feature space {report.feature_space.key}."
        )
    if report.engine_version != engine_version:
        raise ParityError(f"The engine in {folder} was compared under OpenVINO {report.engine_version}.")
    if digests != report.files:
        raise ChecksumError(f"The engine in {folder} differs from the one that was compared with Keras.")
    report.parity.require(f"the engine in {folder}")
    return report


def publish(built: Path, folder: Path) -> None:
    """Put the finished folder `built` in the place of `folder`, after its bytes reached the disk.

    The caller holds the build lock. A reader sees the old folder, for a moment none, or the new one.
    """
    for path in built.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(built)
    if folder.exists():
        replaced = folder.with_name(f".replaced-{folder.name}")
        folder.rename(replaced)
        built.rename(folder)
        shutil.rmtree(replaced)
    else:
        built.rename(folder)
    sync_folder(folder.parent)
