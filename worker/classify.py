"""Classify: claim up to a batch of queued photos, one backbone pass per chunk, commit each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.errors import HangtagError, LeaseLostError, TransientError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.models.answer import KEPT_COUNT, top_k
from shared.models.head import Head
from shared.photos import predictions
from shared.tables import Job, ModelVersion, Photo
from worker.context import WorkerContext
from worker.engines.engine import Engine
from worker.pixels import Pixels, decoded_chunks, stored_pixels
from worker.predictor import Predictor
from worker.stopping import PlannedStop

logger = structlog.get_logger(__name__)
# A wake-up works at most this long, so that an orderly stop is quick; every queued job has its own wake-up.
DRAIN_SECONDS = 10.0
# Several chunks per claim, so that decoding stays ahead of the engine; few enough for a lease of 30 s even
# at the 6 photos/s of the slowest engine measured.
CLAIM_CHUNKS = 4
MIN_CLAIM = 16
DECODE_THREADS = 2


@dataclass(frozen=True, slots=True)
class _Item:
    """One claimed photo."""

    job: Job
    photo: Photo


class Classifier:
    """Answers queued photos with the champion."""

    def __init__(self, context: WorkerContext, predictor: Predictor, stop: PlannedStop) -> None:
        self._context = context
        self._predictor = predictor
        self._stop = stop
        self._pool = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")

    def drain(self) -> int:
        """Work until nothing is queued, a wake-up's time is over or the worker shall stop.

        Returns the number of jobs taken. A stop is obeyed after the chunk that is being answered; photos
        that were taken and not answered go back to the queue, and their attempt does not count.
        """
        deadline = time.monotonic() + DRAIN_SECONDS
        taken = 0
        version, engine, head = self._predictor.champion()
        while time.monotonic() < deadline and not self._stop.requested:
            items = self._claim(max(MIN_CLAIM, CLAIM_CHUNKS * engine.preferred_batch))
            if not items:
                break
            taken += len(items)
            self._run(items, version, engine, head)
            version, engine, head = self._predictor.champion()
        return taken

    def _claim(self, limit: int) -> list[_Item]:
        def claim(session: Session) -> list[_Item]:
            jobs = store.claim(session, JobKind.CLASSIFY, self._context.name, limit)
            ids = [job.photo_id for job in jobs]
            photos = {photo.id: photo for photo in session.scalars(select(Photo).where(Photo.id.in_(ids)))}
            return [_Item(job, photos[job.photo_id]) for job in jobs if job.photo_id is not None]

        return self._context.database.transact(claim)

    def _run(self, items: list[_Item], version: ModelVersion, engine: Engine, head: Head) -> None:
        digests = [item.photo.digest for item in items]
        read = stored_pixels(self._context.blobs, version.image_size)
        position = 0
        for decoded in decoded_chunks(self._pool, read, digests, engine.preferred_batch):
            part = items[position : position + len(decoded)]
            position += len(decoded)
            self._answer(part, decoded, version, engine, head)
            if self._stop.requested:
                self._give_back(items[position:])
                return

    def _give_back(self, items: list[_Item]) -> None:
        for item in items:
            self._record(item, partial(store.release, job_id=item.job.id, attempt=item.job.attempt))
        logger.info("photos_given_back", count=len(items))

    def _answer(
        self,
        items: list[_Item],
        decoded: Sequence[Pixels | HangtagError],
        version: ModelVersion,
        engine: Engine,
        head: Head,
    ) -> None:
        readable = []
        for item, pixels in zip(items, decoded, strict=True):
            if isinstance(pixels, HangtagError):
                self._fail(item, pixels)
            else:
                readable.append((item, pixels))
        if not readable:
            return
        try:
            features = engine.features(np.stack([pixels for _, pixels in readable]))
            probabilities = head.probabilities(features)
        except Exception as error:
            logger.exception("engine_failed", engine=engine.name)
            for item, _ in readable:
                self._fail(item, TransientError(f"The engine failed: {type(error).__name__}."))
            return
        for (item, _), row in zip(readable, probabilities, strict=True):
            answer = top_k(row, version.classes, KEPT_COUNT)
            self._succeed(item, version, engine.name, answer.model_dump())

    def _succeed(self, item: _Item, version: ModelVersion, engine: str, answer: dict[str, Any]) -> None:
        job = item.job

        def succeed(session: Session) -> None:
            if store.renew(session, job.id, job.attempt):
                store.cancelled(session, job.id, job.attempt)
                return
            predictions.remember(session, item.photo.id, version.number, engine, answer)
            result = predictions.result(session, item.photo.id, version.number)
            store.succeed(session, job.id, job.attempt, result or {})

        if self._record(item, succeed):
            logger.info("classified", job_id=job.id, attempt=job.attempt, model_version=version.number)

    def _fail(self, item: _Item, error: HangtagError) -> None:
        job = item.job

        def fail(session: Session) -> None:
            if store.renew(session, job.id, job.attempt):  # its photo was deleted, for one
                store.cancelled(session, job.id, job.attempt)
                return
            store.fail(session, job.id, job.attempt, error)

        if self._record(item, fail):
            logger.warning("classify_failed", job_id=job.id, attempt=job.attempt, code=error.code)

    def _record(self, item: _Item, change: Callable[[Session], object]) -> bool:
        """Write what became of a photo. What cannot be written is left to the lease: the photo comes back."""
        try:
            self._context.database.transact(change)
        except LeaseLostError:
            logger.warning("lease_lost", job_id=item.job.id, attempt=item.job.attempt)
            return False
        except TransientError as error:
            logger.warning("not_recorded", job_id=item.job.id, attempt=item.job.attempt, code=error.code)
            return False
        return True
