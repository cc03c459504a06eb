"""What the views work with, built once per process and kept on the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs.queue import JobQueue
from shared.photos.decoder import Decoder
from shared.quotas import PhotoRoom
from shared.settings import Settings
from web.job_watch import JobWatch
from web.places import Places

EXTENSION = "hangtag"


@dataclass(frozen=True, slots=True)
class Services:
    """Database, blobs, queue and decoder of this process."""

    settings: Settings
    database: Database
    blobs: BlobStore
    queue: JobQueue
    decoder: Decoder
    room: PhotoRoom
    watch: JobWatch
    streams: Places
    large_requests: Places
    writes: Places

    def close(self) -> None:
        """Close connections and end the decoders."""
        self.watch.close()
        self.database.close()
        self.decoder.close()


def services() -> Services:
    """The services of the current application."""
    return cast("Services", current_app.extensions[EXTENSION])
