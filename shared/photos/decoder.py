"""Decodes pictures in children with limits on memory, processor time and wall time.

Whatever a hostile picture does to a decoder, it does to a process that was given no secrets and is replaced:
a crash, a hang or a hunger for memory is an answer about that picture, not a dead server. It is no sandbox:
the child runs as the same user, who may read files and open connections.
"""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import time
from typing import IO

import structlog

from shared import errors
from shared.blobs import sha256
from shared.errors import PhotoCorruptError, PhotoError
from shared.photos.decoder_child import LENGTH, write_frame
from shared.photos.intake import PreparedPhoto

logger = structlog.get_logger(__name__)
# What Python needs to start; the keys and addresses of the server are not among it.
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH")
# Three times the processor time of one picture, so that a busy machine is not held against it.
WALL_SECONDS = 30.0
# One answer is at most the re-encoded picture of 40 megapixels; anything longer is not from our child.
MAX_ANSWER_BYTES = 128 * 1024 * 1024


class Decoder:
    """A few children that stay for many pictures. Safe to use from many threads; they queue for a child."""

    def __init__(self, children: int) -> None:
        self._places: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(children):
            self._places.put(None)  # started when first needed

    def prepare(self, data: bytes) -> PreparedPhoto:
        """What `shared.photos.intake.prepare` gives, computed in a child.

        Raises:
            PhotoError: one of its kinds says what is wrong with the picture.
        """
        child = self._places.get()
        try:
            child = _living(child)
            return child.prepare(data)
        except _ChildDied as error:
            logger.warning("decoder_ended", reason=str(error), size=len(data))
            if child is not None:
                child.kill()
            child = None
            raise PhotoCorruptError from error
        finally:
            self._places.put(child)

    def close(self) -> None:
        """End all idle children."""
        while True:
            try:
                child = self._places.get_nowait()
            except queue.Empty:
                return
            if child is not None:
                child.kill()


class _ChildDied(Exception):  # noqa: N818 - says what happened, and never leaves this module
    """The child ended, hung or wrote nonsense."""


class _Child:
    """One decoding process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "shared.photos.decoder_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101 - see above
        self._input: IO[bytes] = self._process.stdin
        self._output: IO[bytes] = self._process.stdout

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def prepare(self, data: bytes) -> PreparedPhoto:
        """Have one picture decoded."""
        deadline = time.monotonic() + WALL_SECONDS
        try:
            write_frame(self._input, data)  # type: ignore[arg-type]  # a pipe is a BinaryIO
        except OSError as error:
            raise _ChildDied("it does not read any more") from error
        facts = self._frame(deadline)
        try:
            width, height = _size(facts, len(data))
        except (ValueError, KeyError, TypeError) as error:
            raise _ChildDied("its answer makes no sense") from error
        pixels, thumbnail = self._frame(deadline), self._frame(deadline)
        # Not the child's word: a picture that took it over could name another photo's digest.
        return PreparedPhoto(pixels, sha256(pixels), thumbnail, width, height)

    def kill(self) -> None:
        """End it and forget its pipes."""
        self._process.kill()
        self._process.wait()
        self._input.close()
        self._output.close()

    def _frame(self, deadline: float) -> bytes:
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size, deadline))
        if length > MAX_ANSWER_BYTES:
            raise _ChildDied("its answer is too long")
        return self._exactly(length, deadline)

    def _exactly(self, count: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while count:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._output], [], [], left)[0]:
                raise _ChildDied("it took too long")
            part = self._output.read1(count)  # type: ignore[attr-defined]  # a buffered pipe has it
            if not part:
                raise _ChildDied(f"it ended with status {self._process.wait()}")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _environment() -> dict[str, str]:
    """The part of our environment that a child gets."""
    return {
        name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("PYTHON")
    }


def _living(child: _Child | None) -> _Child:
    if child is not None and child.alive:
        return child
    if child is not None:
        child.kill()
    return _Child()


def _size(frame: bytes, sent: int) -> tuple[int, int]:
    """Width and height from the facts about a picture of `sent` bytes.

    Raises:
        PhotoError: the facts are that it cannot be used.
        ValueError, KeyError, TypeError: these are no facts.
    """
    facts = json.loads(frame)
    if "crash" in facts:
        logger.error("decoder_failed", traceback=facts["crash"], size=sent)
        raise PhotoCorruptError
    if "error" in facts:
        raise _error(facts["error"], facts["message"])
    return int(facts["width"]), int(facts["height"])


def _error(name: str, message: str) -> PhotoError:
    kind = getattr(errors, name, PhotoCorruptError)
    return kind(message) if issubclass(kind, PhotoError) else PhotoCorruptError()
