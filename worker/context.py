"""What every handler of one worker process works with."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs.queue import CeleryQueue
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Settings, database, blobs and queue of this process, and the name it signs its work with."""

    settings: Settings
    database: Database
    blobs: BlobStore
    queue: CeleryQueue
    name: str


def build_context(settings: Settings, kind: str) -> WorkerContext:
    """Wire up a worker process of this kind (predict, train or maintain)."""
    return WorkerContext(
        settings=settings,
        database=Database(settings.database_url),
        blobs=BlobStore(settings.blob_url),
        queue=CeleryQueue(settings),
        name=f"{kind}@{socket.gethostname()}:{os.getpid()}",
    )
