"""The target of the coverage-guided fuzzer: whatever the bytes, photos come out or one of our errors."""

from __future__ import annotations

import io
import resource
import sys

import atheris

with atheris.instrument_imports(include=["zipfile", "shared.photos.archive"]):
    from shared.errors import ArchiveError, ArchiveTypeError
    from shared.photos.archive import MAX_INFLATED_BYTES, MAX_MEMBERS, read_archive

# The reader keeps at most one inflated file of 10 MiB; the fuzzer itself takes some two hundred.
MEMORY_BYTES = 2**30


def read(data: bytes) -> None:
    """Read an archive to its end; anything but its own errors is a find."""
    members = total = 0
    try:
        for member in read_archive(io.BytesIO(data)):
            members += 1
            total += len(member.content) if isinstance(member.content, bytes) else 0
    except (ArchiveError, ArchiveTypeError):
        return
    if members > MAX_MEMBERS or total > MAX_INFLATED_BYTES:
        raise AssertionError("more came out than is allowed")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))  # beyond it: MemoryError, a find
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
