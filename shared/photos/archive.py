"""Zip archives from strangers, read member by member, never unpacked to a disk.

What makes an archive dangerous to open refuses the whole of it, before anything is inflated or as soon as it
shows. What is wrong with one picture only concerns that picture. Names are shown and never used for paths.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from shared.errors import (
    ArchiveEmptyError,
    ArchiveError,
    ArchiveTypeError,
    ArchiveUnsafeError,
    PhotoCorruptError,
    PhotoError,
    PhotoTooManyBytesError,
)
from shared.photos.intake import MAX_BYTES, display_name, display_path

# A seller's afternoon of photos. Each member costs a decoding of up to seconds, within one request.
MAX_MEMBERS = 1000
# What may be inflated in all: as much as the largest request has, for photos hardly shrink.
MAX_INFLATED_BYTES = 250 * 1024 * 1024
# Photos are compressed already, so their ratio is about 1; deflate itself cannot exceed 1032.
MAX_RATIO = 100
# A nearly white PNG of this size may well shrink by more than that, and cannot hurt anybody.
RATIO_COUNTS_FROM = 1024 * 1024
# The list of members is read as a whole: 46 bytes and a name with its remarks for each, with room to spare.
MAX_DIRECTORY_BYTES = MAX_MEMBERS * 1024
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1 | 0x40  # the plain and the strong kind
LINK_MODE, TYPE_MODE = 0xA000, 0xF000
UNIX = 3
# Archives are refused by their first bytes too, for a name says nothing; photos never begin like this.
NESTED_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
LONGEST_START = max(map(len, NESTED_STARTS))
NESTED_SUFFIXES = frozenset({".zip", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz", ".tar", ".zst"})
# What operating systems add to archives without being asked.
LITTER = frozenset({"thumbs.db", "desktop.ini"})
# At the end: its length without the comment, and the longest comment there can be.
END = struct.Struct("<4s4H2LH")
MAX_COMMENT_BYTES = 0xFFFF
ZIP64_LOCATOR = b"PK\x06\x07"
ZIP64_LOCATOR_BYTES = 20
# Before each member's name.
LOCAL_HEADER_BYTES = 30
# Everything `zipfile` raises on damaged or unknown archives.
READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    IndexError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive: its path there made safe to show, and its bytes or what is wrong with it."""

    name: str
    content: bytes | PhotoError


def read_archive(file: IO[bytes]) -> Iterator[Member]:
    """The files in an archive, in its order, one in memory at a time.

    Folders, hidden files and what operating systems leave in archives are passed over.

    Raises:
        ArchiveTypeError: it is no zip archive.
        ArchiveError: it is damaged, empty, or not safe to open.
    """
    _check_end(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = _photos(archive)
            _check(archive, members)
            for info in members:
                yield Member(display_path(info.filename), _content(archive, info))
    except READ_ERRORS as error:
        raise ArchiveError from error


def _check_end(file: IO[bytes]) -> None:
    """Look at the end record before `zipfile` reads the whole list of members into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - END.size - MAX_COMMENT_BYTES - ZIP64_LOCATOR_BYTES))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END.size:
        file.seek(0)
        raise ArchiveError if file.read(4) == b"PK\x03\x04" else ArchiveTypeError
    _, disk, _, here, count, directory, offset, comment = END.unpack_from(tail, at)
    if tail[max(0, at - ZIP64_LOCATOR_BYTES) :].startswith(ZIP64_LOCATOR) or 0xFFFFFFFF in (
        directory,
        offset,
    ):
        raise ArchiveUnsafeError(
            "The archive is in the zip64 form, which is for far larger ones. Make a plain one."
        )
    if disk or here != count:
        raise ArchiveUnsafeError("The archive is one part of several. Please make a single one.")
    if at + END.size + comment != len(tail):
        raise ArchiveUnsafeError("There are other bytes behind the end of the archive. Please make it again.")
    if count > MAX_MEMBERS or directory > MAX_DIRECTORY_BYTES:
        raise ArchiveUnsafeError(_too_many())


def _photos(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members that somebody put there on purpose, as photos."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise ArchiveUnsafeError(_too_many())
    for info in infos:
        _check_path(info)
    return [info for info in infos if not info.is_dir() and not _litter(info.filename)]


def _litter(name: str) -> bool:
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name.startswith(".") or path.name.lower() in LITTER


def _check(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive by what it says of itself and by how its members begin, before any is handed out."""
    if not members:
        raise ArchiveEmptyError
    twice = [name for name, count in Counter(info.filename for info in members).items() if count > 1]
    if twice:
        raise ArchiveUnsafeError(
            f"Two files are called {display_name(twice[0])}. Please give each a name of its own."
        )
    for info in members:
        _check_member(info)
        _check_nesting(archive, info)
    if sum(info.file_size for info in members) > MAX_INFLATED_BYTES:
        raise ArchiveUnsafeError(
            f"More than {MAX_INFLATED_BYTES // 2**20} MiB of photos do not fit in one batch. "
            "Please split the archive."
        )
    _check_overlap(members)


def _check_path(info: zipfile.ZipInfo) -> None:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    windows_drive = path.parts[:1] and path.parts[0].endswith(":")
    if path.is_absolute() or ".." in path.parts or windows_drive:
        raise ArchiveUnsafeError(
            f"The name of {display_name(info.filename)} points out of the archive. Please make a new one."
        )
    if info.create_system == UNIX and (info.external_attr >> 16) & TYPE_MODE == LINK_MODE:
        raise ArchiveUnsafeError(
            f"{display_name(info.filename)} is a link, not a photo. Please put the photo itself in."
        )


def _check_member(info: zipfile.ZipInfo) -> None:
    name = display_name(info.filename)
    if info.flag_bits & ENCRYPTED:
        raise ArchiveUnsafeError(f"{name} is encrypted. Please make the archive without a password.")
    if info.file_size > max(RATIO_COUNTS_FROM, MAX_RATIO * info.compress_size):
        raise ArchiveUnsafeError(f"{name} becomes far too large when unpacked. Please leave it out.")
    if info.compress_type not in METHODS:
        raise ArchiveUnsafeError(f"{name} is packed in an unusual way. Please make a plain zip archive.")


def _check_nesting(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    try:
        with archive.open(info) as stream:
            start = stream.read(LONGEST_START)
    except READ_ERRORS:
        start = b""  # damaged: that concerns this member alone, and shows when it is read
    if start.startswith(NESTED_STARTS) or PurePosixPath(info.filename).suffix.lower() in NESTED_SUFFIXES:
        name = display_name(info.filename)
        raise ArchiveUnsafeError(f"{name} is an archive in the archive. Please put the photos in directly.")


def _check_overlap(members: list[zipfile.ZipInfo]) -> None:
    """Refuse members that share bytes: a small archive could claim them a thousand times over."""
    end = 0
    for info in sorted(members, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise ArchiveUnsafeError("Files in the archive lie on top of each other. Please make a new one.")
        end = info.header_offset + LOCAL_HEADER_BYTES + len(info.orig_filename) + info.compress_size


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | PhotoError:
    """The bytes of one member. `zipfile` stops at the size it was said to have, and checks its sum."""
    if info.file_size > MAX_BYTES:
        return PhotoTooManyBytesError()
    try:
        with archive.open(info) as stream:
            return stream.read()
    except READ_ERRORS:
        return PhotoCorruptError("This file is damaged in the archive. Please pack it again.")


def _too_many() -> str:
    return f"More than {MAX_MEMBERS:,} files do not fit in one batch. Please split the archive."
