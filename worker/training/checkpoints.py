"""Checkpoints of a training: what its next attempt needs to go on after the last whole epoch."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from shared.blobs import sha256
from shared.errors import HangtagError
from shared.models.head import Head
from worker.network.weight_arrays import sync_folder
from worker.training.course import EpochMetrics, TrainingState

logger = structlog.get_logger(__name__)
# The digest is part of the name, so that one rename puts content and digest in place together.
NAME = re.compile(r"xception_v.+_(?P<epoch>\d{2,})_\d\.\d{3}\.(?P<digest>[0-9a-f]{64})\.npz")
VARIABLE, LAYER = "variable_", "layer_"


class Checkpoints:
    """The checkpoints of one training job, in a folder of their own that is called after the job.

    One file per epoch, `xception_v{job}_{epoch}_{val_accuracy}.{sha256}.npz`; the two latest are kept, and
    that of the best epoch. `made_for` is what decides the course of a training (parameters, data,
    libraries), in JSON types: a checkpoint made for anything else is not used.
    """

    def __init__(self, folder: Path, made_for: Mapping[str, Any]) -> None:
        self._folder = folder
        self._made_for = dict(made_for)

    def save(self, state: TrainingState) -> None:
        """Keep this state. When this returns it survives a power cut.

        Raises:
            OSError: it could not be written; the checkpoints before are as they were.
        """
        data = _to_bytes(state, self._made_for)
        last = state.history[-1]
        name = f"xception_v{self._folder.name}_{last.epoch:02d}_{last.val_accuracy:.3f}.{sha256(data)}.npz"
        self._write(name, data)
        self._prune(name, last.epoch, state.best_epoch)

    def latest(self) -> TrainingState | None:
        """The state of the last epoch whose checkpoint is whole and was made for this training."""
        for _, path in sorted(self._files(), reverse=True):
            try:
                return _from_bytes(_checked(path), self._made_for)
            except (_UnusableError, HangtagError, OSError) as error:
                logger.warning("checkpoint_ignored", name=path.name, reason=str(error))
        return None

    def _write(self, name: str, data: bytes) -> None:
        """Put the file in place whole: written aside, flushed, renamed, the new name flushed too."""
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True)
            sync_folder(self._folder.parent)
        aside = self._folder / "new"
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._folder / name)
        sync_folder(self._folder)

    def _prune(self, latest: str, epoch: int, best_epoch: int) -> None:
        """Remove what is not needed: older epochs, and what was found unusable from this epoch on."""
        before = {number: path for number, path in self._files() if number < epoch}
        keep = {self._folder / latest, before.get(max(before, default=0)), before.get(best_epoch)}
        for path in self._folder.iterdir():
            if path not in keep:
                path.unlink(missing_ok=True)

    def _files(self) -> list[tuple[int, Path]]:
        """Epoch and path of every checkpoint, whole or not."""
        if not self._folder.is_dir():
            return []
        found = ((NAME.fullmatch(path.name), path) for path in self._folder.iterdir())
        return [(int(match["epoch"]), path) for match, path in found if match]


def folders_in(root: Path) -> set[str]:
    """The names of the folders under `root`; those of checkpoints are called after their job."""
    return {path.name for path in root.iterdir()} if root.is_dir() else set()


def remove_folders(root: Path, names: Iterable[str]) -> None:
    """Remove these folders under `root`; another worker may be doing the same."""
    for name in names:
        shutil.rmtree(root / name, ignore_errors=True)


class _UnusableError(Exception):
    """A checkpoint that cannot be used, and why."""


def _checked(path: Path) -> bytes:
    data = path.read_bytes()
    match = NAME.fullmatch(path.name)
    if match is None or sha256(data) != match["digest"]:
        raise _UnusableError("Its content is not what was written.")
    return data


def _to_bytes(state: TrainingState, made_for: Mapping[str, Any]) -> bytes:
    head = state.best_head.to_bytes()
    about = {
        "made_for": made_for,
        "history": [asdict(epoch) for epoch in state.history],
        "best_epoch": state.best_epoch,
        "before": state.before,
        "best_head_digest": sha256(head),
    }
    arrays: dict[str, Any] = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "best_head": np.frombuffer(head, np.uint8),
    }
    for prefix, numbered in ((VARIABLE, state.variables), (LAYER, state.best_layers)):
        arrays |= {f"{prefix}{number:04d}": array for number, array in enumerate(numbered)}
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


def _from_bytes(data: bytes, made_for: Mapping[str, Any]) -> TrainingState:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            head = arrays["best_head"].tobytes()
            variables, layers = _numbered(arrays, VARIABLE), _numbered(arrays, LAYER)
            history = tuple(EpochMetrics(**epoch) for epoch in about["history"])
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise _UnusableError(f"It cannot be read: {error!r}.") from error
    if about["made_for"] != made_for:
        raise _UnusableError("It was made with other parameters, data or libraries.")
    best_head = Head.from_bytes(head, about["best_head_digest"])
    return TrainingState(variables, history, about["best_epoch"], best_head, layers, about["before"])


def _numbered(arrays: Any, prefix: str) -> tuple[Any, ...]:
    return tuple(arrays[name] for name in sorted(arrays.files) if name.startswith(prefix))
