"""The child that decodes strangers' bytes, driven by shared.photos.decoder.

It reads pictures from standard input and writes what became of them to standard output, both framed as a
length of four bytes and that many bytes. It needs no network, can write no files, and may be killed any time.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
import traceback
from typing import BinaryIO

from PIL import Image

from shared.errors import PhotoError
from shared.photos.intake import prepare

LENGTH = struct.Struct(">I")
# 40 megapixels as RGB take 120 MB, and converting needs a few copies at once.
MEMORY_BYTES = 1536 * 1024 * 1024
# The slowest photo the limits allow takes about two seconds here.
CPU_SECONDS = 10
# Its three pipes, and what Python opens for itself.
OPEN_FILES = 64


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame, or None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Write one frame and push it out."""
    stream.write(LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer pictures until there are no more: facts as JSON, then, unless it is an error, two pictures."""
    while (data := read_frame(requests)) is not None:
        _allow_cpu()
        try:
            photo = prepare(data)
        except PhotoError as error:
            write_frame(
                answers, json.dumps({"error": type(error).__name__, "message": error.message}).encode()
            )
            continue
        except Exception:  # noqa: BLE001 - the parent reports it; this process stays usable
            write_frame(answers, json.dumps({"crash": traceback.format_exc()}).encode())
            continue
        facts = {"width": photo.width, "height": photo.height}
        write_frame(answers, json.dumps(facts).encode())
        write_frame(answers, photo.data)
        write_frame(answers, photo.thumbnail)


def _limit() -> None:
    """Take away what decoding does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_cpu() -> None:
    """Give the next picture its share of processor time; the kernel ends us when it takes more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


if __name__ == "__main__":
    Image.init()  # load the decoders while there is room for their libraries
    _limit()
    serve(sys.stdin.buffer, sys.stdout.buffer)
