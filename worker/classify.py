"""Classify: claim queued photos, one backbone pass per chunk, commit the answers of a chunk together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.errors import HangtagError, LeaseLostError, TransientError
from shared.jobs import batch, store
from shared.jobs.bell import Bell
from shared.jobs.states import JobKind
from shared.models.activation_map import quantized
from shared.models.answer import KEPT_COUNT, top_k
from shared.models.head import Head
from shared.photos import predictions
from shared.tables import Job, ModelVersion, Photo
from worker.context import WorkerContext
from worker.engines.engine import Explained
from worker.neighbourhood import Neighbourhood
from worker.pixels import Pixels, decoded_chunks, stored_pixels
from worker.predictor import Loaded, Predictor, Shadow
from worker.stopping import PlannedStop

logger = structlog.get_logger(__name__)
# A wake-up works at most this long, a third of what Celery gives a task before it counts as hung. Each new
# one costs the engine a pause, until the first photos are claimed and decoded.
DRAIN_SECONDS = 60.0
# Two chunks per claim, and the next claim is made while these are computed: decoding stays ahead of the
# engine, and both claims fit into a lease of 30 s even at the 6 photos/s of the slowest engine measured.
CLAIM_CHUNKS = 2
MIN_CLAIM = 16
DECODE_THREADS = 2
Floats = npt.NDArray[np.float32]
Kept = dict[str, Any]  # the columns of a prediction


@dataclass(frozen=True, slots=True)
class _Item:
    """One claimed photo."""

    job: Job
    photo: Photo


class _Silent(NamedTuple):
    """What a shadow says about the photos of a chunk."""

    version: int
    answers: list[Kept]


@dataclass(frozen=True, slots=True)
class _Claim:
    """Photos that were claimed together, and their pixels of this size as far as they are decoded."""

    items: list[_Item]
    image_size: int
    pixels: Iterator[list[Pixels | HangtagError]]

    @property
    def fresh(self) -> bool:
        """Whether nobody suspects any of them of taking its worker down. One that is suspected is alone."""
        return all(item.job.attempt == 1 and "released_by" not in item.job.payload for item in self.items)


NOTHING = _Claim([], 0, iter(()))


class Classifier:
    """Answers queued photos with the champion.

    While the engine works on one chunk, a thread waits for it, commits the answers and claims what comes
    next, and other threads decode: the engine waits for none of them as long as there are photos.
    """

    def __init__(self, context: WorkerContext, predictor: Predictor, stop: PlannedStop) -> None:
        self._context = context
        self._predictor = predictor
        self._stop = stop
        self._bell = Bell(context.settings)
        self._neighbourhood = Neighbourhood(context)  # used by the thread that records, and by no other
        self._decoders = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        # One thread: what it is given is done in order, so a claim never waits for a connection.
        self._recorder = ThreadPoolExecutor(1, thread_name_prefix="record")

    def drain(self) -> int:
        """Work until nothing is queued, a wake-up's time is over or the worker shall stop.

        Returns the number of jobs taken. A stop is obeyed after the chunk that is being answered; photos
        that were taken and not answered go back to the queue, and their attempt does not count.
        """
        deadline = time.monotonic() + DRAIN_SECONDS
        taken = 0
        recorded: list[Future[None]] = []
        loaded = self._predictor.champion()
        claim = self._claim(loaded)
        while claim.items:
            taken += len(claim.items)
            goes_on = time.monotonic() < deadline
            ahead = (
                self._recorder.submit(self._claim, loaded, fresh=True) if goes_on and claim.fresh else None
            )
            # The last answers of a claim are committed while the engine already works on the next one.
            before, recorded = recorded, self._run(claim, loaded)
            _wait_for(before)
            claim = self._next(ahead, goes_on, loaded, recorded)
            loaded = self._predictor.champion()
        _wait_for(recorded)
        return taken

    def _next(
        self, ahead: Future[_Claim] | None, goes_on: bool, loaded: Loaded, recorded: list[Future[None]]
    ) -> _Claim:
        """The claim that was made ahead, else one that may also hold a photo that was tried before."""
        claim = ahead.result() if ahead else NOTHING
        if self._stop.requested:
            self._give_back(claim.items)
            return NOTHING
        if claim.items or not goes_on:
            return claim
        _wait_for(recorded)  # such a photo may take this process down, and must take no answer with it
        return self._claim(loaded)

    def _claim(self, loaded: Loaded, *, fresh: bool = False) -> _Claim:
        """Claim photos and begin to decode them. Nothing when the worker shall stop."""
        version, engine = loaded.version, loaded.engine
        limit = max(MIN_CLAIM, CLAIM_CHUNKS * engine.preferred_batch)

        def claim(session: Session) -> list[_Item]:
            jobs = store.claim(session, JobKind.CLASSIFY, self._context.name, limit, fresh=fresh)
            ids = [job.photo_id for job in jobs]
            photos = {photo.id: photo for photo in session.scalars(select(Photo).where(Photo.id.in_(ids)))}
            return [_Item(job, photos[job.photo_id]) for job in jobs if job.photo_id is not None]

        items = [] if self._stop.requested else self._context.database.transact(claim)
        return self._decoding(items, version.image_size, engine.preferred_batch)

    def _decoding(self, items: list[_Item], image_size: int, chunk: int) -> _Claim:
        digests = [item.photo.digest for item in items]
        read = stored_pixels(self._context.blobs, image_size)
        pixels = decoded_chunks(self._decoders, read, digests, chunk)
        return _Claim(items, image_size, pixels)

    def _run(self, claim: _Claim, loaded: Loaded) -> list[Future[None]]:
        """Have all photos of a claim answered. Returns what is still being written."""
        version, engine = loaded.version, loaded.engine
        if claim.image_size != version.image_size:  # another champion came between
            claim = self._decoding(claim.items, version.image_size, engine.preferred_batch)
        position = 0
        recorded: list[Future[None]] = []
        for decoded in claim.pixels:
            part = claim.items[position : position + len(decoded)]
            position += len(decoded)
            recorded += self._answer(part, decoded, loaded)
            if self._stop.requested:
                self._give_back(claim.items[position:])
                break
        return recorded

    def _give_back(self, items: list[_Item]) -> None:
        for item in items:
            self._record([item], partial(store.release, job_id=item.job.id, attempt=item.job.attempt))
        if items:
            logger.info("photos_given_back", count=len(items))

    def _answer(
        self, items: list[_Item], decoded: Sequence[Pixels | HangtagError], loaded: Loaded
    ) -> list[Future[None]]:
        """Have the engine begin with the readable photos; what becomes of all of them is being written."""
        engine = loaded.engine
        readable = []
        recorded = []
        for item, pixels in zip(items, decoded, strict=True):
            if isinstance(pixels, HangtagError):
                recorded.append(self._recorder.submit(self._fail, item, pixels))
            else:
                readable.append((item, pixels))
        if readable:
            begun = [item for item, _ in readable]
            try:
                explained = engine.explain(np.stack([pixels for _, pixels in readable]))
            except Exception:
                recorded.append(self._recorder.submit(self._engine_failed, begun, engine.name))
                logger.exception("engine_failed", engine=engine.name)
            else:
                recorded.append(self._recorder.submit(self._finish, begun, explained, loaded))
        return recorded

    def _finish(self, items: list[_Item], explained: Explained, loaded: Loaded) -> None:
        """Wait for the engine and write the answers; the engine goes on with the next photos meanwhile."""
        try:
            features, maps = explained.result(loaded.head.gradients)
            answers = _answers(loaded.version, loaded.head, features, quantized(maps))
        except Exception:
            logger.exception("engine_failed", engine=loaded.engine.name)
            self._engine_failed(items, loaded.engine.name)
            return
        self._add_nearest(answers, features, loaded.version)
        self._succeed(items, answers, _silent_answers(loaded.shadows, features), loaded)

    def _engine_failed(self, items: list[_Item], engine: str) -> None:
        for item in items:
            self._fail(item, TransientError(f"The engine {engine} failed."))

    def _add_nearest(self, answers: list[Kept], features: Floats, version: ModelVersion) -> None:
        """Beside answers it is not sure of: what the version learned from that looks most like the photo."""
        unsure = [place for place, answer in enumerate(answers) if answer["decision"] == "ask"]
        if unsure:
            found = self._neighbourhood.nearest(version, features[unsure])
            for place, nearest in zip(unsure, found, strict=True):
                answers[place]["nearest"] = nearest

    def _succeed(
        self, items: list[_Item], answers: list[Kept], silent: list[_Silent], loaded: Loaded
    ) -> None:
        """Commit the answers of one chunk together: one flush to disk for all of them."""
        version, engine = loaded.version.number, loaded.engine.name
        photo_of = {item.job.id: item.photo.id for item in items}
        events: dict[str, str] = {}

        def succeed(session: Session) -> None:
            events.clear()  # of an attempt to commit that failed and is made again
            held = batch.held(session, [(item.job.id, item.job.attempt) for item in items])
            wanted = [job for job in held.values() if job.cancel_requested_at is None]
            for job in held.values():
                events[job.id] = "classified"
                if job.cancel_requested_at is not None:
                    store.cancelled(session, job.id, job.attempt)
                    events[job.id] = "cancelled"
            photos = {photo_of[job.id] for job in wanted}
            for number, given in [(version, answers), *silent]:
                by_photo = {item.photo.id: kept for item, kept in zip(items, given, strict=True)}
                predictions.remember_all(session, {one: by_photo[one] for one in photos}, number, engine)
            known = predictions.results(session, photos, version)
            batch.succeed(session, wanted, {job.id: known[photo_of[job.id]] for job in wanted})

        if not self._record(items, succeed):
            return
        for item in items:
            event = events.get(item.job.id, "lease_lost")
            told = logger.warning if event == "lease_lost" else logger.info
            told(event, job_id=item.job.id, attempt=item.job.attempt, model_version=version)

    def _fail(self, item: _Item, error: HangtagError) -> None:
        job = item.job

        def fail(session: Session) -> None:
            if store.renew(session, job.id, job.attempt):  # its photo was deleted, for one
                store.cancelled(session, job.id, job.attempt)
                return
            store.fail(session, job.id, job.attempt, error)

        if self._record([item], fail):
            logger.warning("classify_failed", job_id=job.id, attempt=job.attempt, code=error.code)

    def _record(self, items: list[_Item], change: Callable[[Session], object]) -> bool:
        """Write what became of photos. What cannot be written is left to the lease: the photos come back."""
        attempts = [(item.job.id, item.job.attempt) for item in items]
        try:
            self._context.database.transact(change)
        except LeaseLostError:
            logger.warning("lease_lost", attempts=attempts)
            return False
        except TransientError as error:
            logger.warning("not_recorded", attempts=attempts, code=error.code)
            return False
        self._bell.ring()
        return True


def _answers(
    version: ModelVersion, head: Head, features: Floats, maps: Sequence[bytes | None] | None = None
) -> list[Kept]:
    """What a version says about each photo, as it is kept."""
    return [
        {
            **top_k(row, version.classes, KEPT_COUNT).model_dump(),
            "activation_map": grid,
            "nearest": None,
        }
        for row, grid in zip(head.probabilities(features), maps or [None] * len(features), strict=True)
    ]


def _silent_answers(shadows: Sequence[Shadow], features: Floats) -> list[_Silent]:
    """What the shadows say. One that fails is left out: no seller's answer depends on it."""
    found = []
    for shadow in shadows:
        try:
            found.append(_Silent(shadow.version.number, _answers(shadow.version, shadow.head, features)))
        except Exception:
            logger.exception("shadow_failed", model_version=shadow.version.number)
    return found


def _wait_for(recorded: list[Future[None]]) -> None:
    """Wait until it is written. Raises what a thread that wrote has met."""
    for done in recorded:
        done.result()
