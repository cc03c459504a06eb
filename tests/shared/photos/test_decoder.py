"""Decoding in children that may be killed."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from shared.blobs import sha256
from shared.errors import PhotoCorruptError, PhotoTooSmallError, PhotoTypeError
from shared.photos.decoder import Decoder
from shared.photos.intake import prepare
from tests.factories import picture
from tests.processes import asked, wait_until, with_command


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    built = Decoder(2)
    yield built
    built.close()


def children() -> list[psutil.Process]:
    states = asked(psutil.Process().children(), psutil.Process.status)
    alive = [child for child, state in states if state != psutil.STATUS_ZOMBIE]
    return with_command(alive, "shared.photos.decoder_child")


def unread(child: psutil.Process) -> int:
    """How many bytes a child was sent and has not read yet."""
    with Path(f"/proc/{child.pid}/fd/0").open("rb", buffering=0) as pipe:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_child_gives_what_decoding_here_gives(decoder: Decoder) -> None:
    assert decoder.prepare(picture(1)) == prepare(picture(1))


def test_errors_keep_their_kind_and_the_child_goes_on(decoder: Decoder) -> None:
    with pytest.raises(PhotoTypeError):
        decoder.prepare(b"no picture")
    (before,) = children()
    with pytest.raises(PhotoTooSmallError):
        decoder.prepare(picture(1, (8, 8)))
    decoder.prepare(picture(2))
    assert [child.pid for child in children()] == [before.pid]


def test_a_child_that_dies_is_replaced(decoder: Decoder) -> None:
    decoder.prepare(picture(1))
    (first,) = children()
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: first.status() == psutil.STATUS_ZOMBIE, 5, "the child is dead")
    assert decoder.prepare(picture(2)).digest == prepare(picture(2)).digest
    assert children()[0].pid != first.pid


def test_a_child_that_dies_over_a_picture_is_an_answer_about_that_picture(decoder: Decoder) -> None:
    decoder.prepare(picture(1))
    (child,) = children()
    os.kill(child.pid, signal.SIGSTOP)
    wait_until(lambda: child.status() == psutil.STATUS_STOPPED, 20, "the child has stopped")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(decoder.prepare, picture(2))
        wait_until(lambda: unread(child) > 0, 20, "the child has been given the picture")
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(PhotoCorruptError):
            waiting.result(20)
    assert decoder.prepare(picture(3)).digest == prepare(picture(3)).digest


def test_many_threads_share_a_few_children(decoder: Decoder) -> None:
    pictures = [picture(seed) for seed in range(20)]
    with ThreadPoolExecutor(8) as pool:
        digests = [photo.digest for photo in pool.map(decoder.prepare, pictures)]
    assert digests == [prepare(data).digest for data in pictures]
    assert len(children()) <= 2


# Answers every picture with the given frames.
LIAR = """#!{python}
import struct, sys
frames = {frames!r}
while head := sys.stdin.buffer.read(4):
    sys.stdin.buffer.read(*struct.unpack(">I", head))
    for frame in frames:
        sys.stdout.buffer.write(struct.pack(">I", len(frame)) + frame)
    sys.stdout.buffer.flush()
"""


@pytest.fixture
def lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has children answer with these frames, as one that was taken over by a picture could."""

    def lie(*frames: bytes) -> None:
        script = tmp_path / "liar"
        script.write_text(LIAR.format(python=sys.executable, frames=frames))
        script.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(script))

    return lie


NONSENSE = (b"", b"\xff", b"nonsense", b"[]", b"7", b"{}", b'{"width": 64}', b'{"error": "annotations"}')


@pytest.mark.parametrize("frame", NONSENSE)
def test_a_child_that_answers_nonsense_is_replaced(
    decoder: Decoder, lie: Callable[..., None], monkeypatch: pytest.MonkeyPatch, frame: bytes
) -> None:
    lie(frame, b"pixels", b"thumbnail")
    with pytest.raises(PhotoCorruptError):
        decoder.prepare(picture(1))
    monkeypatch.undo()
    assert decoder.prepare(picture(2)) == prepare(picture(2))


def test_a_child_has_no_say_in_the_digest_of_a_photo(decoder: Decoder, lie: Callable[..., None]) -> None:
    lie(b'{"digest": "of another photo", "width": 64, "height": 48}', b"pixels", b"thumbnail")
    assert decoder.prepare(picture(1)).digest == sha256(b"pixels")


def test_a_child_is_given_no_secrets(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGTAG_SECRET_KEY", "of sessions")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the bucket")
    decoder.prepare(picture(1))
    (child,) = children()
    assert [name for name in child.environ() if "SECRET" in name] == []


def test_closing_leaves_no_child_behind() -> None:
    decoder = Decoder(2)
    decoder.prepare(picture(1))
    decoder.close()
    assert children() == []
