"""The blob store: a local folder or an S3-compatible bucket, written whole before any row points at it."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import from_url

from shared.errors import BlobMissingError, HangtagError, StorageFullError, StorageUnavailableError

# Bounds the memory and the query of a sweep.
LISTED_AT_ONCE = 500
# obstore writes beside the final name, and renames.
UNFINISHED = "*#[0-9]*"


class BlobStore:
    """Bytes under keys that Hangtag makes itself, never under names that people send."""

    def __init__(self, url: str) -> None:
        self.folder = _local_folder(url)
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
        self._store = from_url(url)

    def put(self, key: str, data: bytes) -> None:
        """Store `data` so that it survives a power cut once this returns. An equal key is replaced.

        Raises:
            StorageFullError: there is no room left.
            StorageUnavailableError: the store does not answer.
        """
        with _clean_errors():
            obstore.put(self._store, key, data)
            if self.folder is not None:
                _flush(self.folder / key)

    def get(self, key: str) -> bytes:
        """The stored bytes.

        Raises:
            BlobMissingError: there is nothing under this key.
            StorageUnavailableError: the store does not answer.
        """
        with _clean_errors():
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError as error:
                raise BlobMissingError from error

    def keys_before(self, folder: str, moment: datetime) -> Iterator[list[str]]:
        """The keys under `folder` that were last written before `moment`, some at a time.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        pages = iter(obstore.list(self._store, f"{folder}/", chunk_size=LISTED_AT_ONCE))
        while True:
            with _clean_errors():
                found = next(pages, None)
            if found is None:
                return
            yield [blob["path"] for blob in found if blob["last_modified"] < moment]

    def delete_if_before(self, key: str, moment: datetime) -> bool:
        """Remove what is under the key unless it was written again since `moment`. Says whether it did.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        with _clean_errors():
            try:
                if obstore.head(self._store, key)["last_modified"] >= moment:
                    return False
            except FileNotFoundError:
                return False
        self.delete(key)
        return True

    def remove_unfinished(self, moment: datetime) -> int:
        """Remove what puts that were killed before `moment` left in a local folder. Returns how many."""
        if self.folder is None:
            return 0  # buckets take an object whole or not at all
        removed = 0
        for path in self.folder.rglob(UNFINISHED):
            with suppress(FileNotFoundError):  # a put that goes on at this moment gives it its name
                if path.stat().st_mtime < moment.timestamp():
                    path.unlink()
                    removed += 1
        return removed

    def delete(self, key: str) -> None:
        """Remove what is under the key, if anything.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        with _clean_errors(), suppress(FileNotFoundError):
            obstore.delete(self._store, key)


def photo_key(digest: str) -> str:
    """Where the pixels of a photo are."""
    return f"photos/{digest[:2]}/{digest}.jpg"


def thumbnail_key(digest: str) -> str:
    """Where the thumbnail of a photo is."""
    return f"thumbnails/{digest[:2]}/{digest}.jpg"


def head_key(digest: str) -> str:
    """Where the head of a model version is."""
    return f"heads/{digest}.npz"


def layers_key(digest: str) -> str:
    """Where the fine-tuned layers of a model version are."""
    return f"layers/{digest}.npz"


def network_key(digest: str) -> str:
    """Where a quantized network is."""
    return f"networks/{digest}.zip"


def sha256(data: bytes) -> str:
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _local_folder(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _flush(path: Path) -> None:
    """Force a renamed file and its folder to disk: obstore renames whole files but does not fsync them."""
    for target in (path, path.parent):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _clean_errors() -> Iterator[None]:
    try:
        yield
    except HangtagError:
        raise
    except Exception as error:
        raise _explained(error) from error


def _explained(error: Exception) -> HangtagError:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left" in str(error) or "quota" in str(error).lower():
        return StorageFullError()
    return StorageUnavailableError()
