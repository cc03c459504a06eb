"""Zip archives from strangers."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from shared.errors import (
    ArchiveEmptyError,
    ArchiveError,
    ArchiveTypeError,
    ArchiveUnsafeError,
    PhotoCorruptError,
    PhotoError,
    PhotoTooManyBytesError,
)
from shared.photos.archive import read_archive
from shared.photos.intake import MAX_BYTES
from tests.archives import UNSAFE, archive
from tests.factories import picture

ROOT = Path(__file__).resolve().parents[3]
# How many bytes refusing a bomb takes, in a process without other threads: they would count, too.
MOST_MEMORY = """
import io, tracemalloc
from shared.errors import ArchiveUnsafeError
from shared.photos.archive import read_archive
from tests.archives import bomb

data = io.BytesIO(bomb())
tracemalloc.start()
try:
    list(read_archive(data))
except ArchiveUnsafeError:
    print(tracemalloc.get_traced_memory()[1])
else:
    raise SystemExit("It was not refused.")
"""


def contents(data: bytes) -> dict[str, bytes | PhotoError]:
    return {member.name: member.content for member in read_archive(io.BytesIO(data))}


def test_every_file_comes_out_as_it_went_in() -> None:
    files = {f"{seed}.jpg": picture(seed) for seed in range(5)}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert contents(archive(files, method)) == files


def test_folders_hidden_files_and_litter_are_passed_over() -> None:
    data = archive(
        {
            "shoes/": b"",
            "shoes/red.jpg": picture(1),
            "__MACOSX/shoes/._red.jpg": b"attributes",
            "shoes/.DS_Store": b"x",
            "Thumbs.db": b"x",
        }
    )
    assert contents(data) == {"shoes/red.jpg": picture(1)}


@pytest.mark.parametrize("name", UNSAFE)
def test_an_archive_that_is_not_safe_to_open_is_refused_before_anything_is_handed_out(name: str) -> None:
    members = read_archive(io.BytesIO(UNSAFE[name]()))
    with pytest.raises(ArchiveUnsafeError) as caught:
        next(members)
    assert caught.value.message.endswith(".")


def test_a_bomb_takes_no_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MOST_MEMORY], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 4 * 1024 * 1024


def test_a_member_that_inflates_to_more_than_it_said_is_refused_alone() -> None:
    data = bytearray(archive({"a.jpg": bytes(50_000), "b.jpg": picture(1)}, zipfile.ZIP_DEFLATED))
    at = data.find(b"PK\x01\x02")
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    found = contents(bytes(data))
    assert isinstance(found["a.jpg"], PhotoCorruptError)
    assert found["b.jpg"] == picture(1)


def test_a_damaged_or_oversized_member_is_refused_alone() -> None:
    files = {"broken.jpg": picture(1), "large.jpg": b"x" * (MAX_BYTES + 1), "good.jpg": picture(2)}
    data = bytearray(archive(files))
    data[60] ^= 0xFF
    found = contents(bytes(data))
    assert isinstance(found["broken.jpg"], PhotoCorruptError)
    assert isinstance(found["large.jpg"], PhotoTooManyBytesError)
    assert found["good.jpg"] == picture(2)


def test_a_white_picture_that_packs_well_is_no_bomb() -> None:
    data = archive({"white.jpg": bytes(900_000)}, zipfile.ZIP_DEFLATED)
    assert contents(data) == {"white.jpg": bytes(900_000)}


def test_names_are_made_safe_to_show() -> None:
    assert list(contents(archive({"a/b\u202egpj.jpg": picture(1)}))) == ["a/bgpj.jpg"]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ArchiveTypeError),
        (picture(1), ArchiveTypeError),
        (archive({"a.jpg": picture(1)})[:-30], ArchiveError),
        (archive({}), ArchiveEmptyError),
        (archive({"folder/": b""}), ArchiveEmptyError),
    ],
)
def test_what_is_no_archive_says_so(data: bytes, error: type[ArchiveError]) -> None:
    with pytest.raises(error):
        list(read_archive(io.BytesIO(data)))
