"""`gunicorn tests.security.mortal_server:app`: a web process that can be told to die within a batch."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from shared.blobs import BlobStore
from shared.photos.intake import PreparedPhoto
from web.wsgi import app, settings

# While this file is there, the process that stores the third photo from then on dies, and takes it along.
ORDER = "die"
STORED_BEFORE = 2

_store = PreparedPhoto.store


def _store_and_die(photo: PreparedPhoto, blobs: BlobStore) -> None:
    _store(photo, blobs)
    order: Path = settings.data_dir / ORDER
    if order.exists() and len(list((settings.data_dir / "blobs" / "photos").rglob("*.jpg"))) > STORED_BEFORE:
        order.unlink(missing_ok=True)
        os.kill(os.getpid(), signal.SIGKILL)


__all__ = ["app"]
PreparedPhoto.store = _store_and_die  # type: ignore[method-assign, assignment]
