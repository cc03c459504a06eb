"""Zip archives for tests, honest and hostile."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping

from tests.factories import picture


def archive(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A plain zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def bomb() -> bytes:
    """A quarter of a gigabyte of zeros in a quarter of a megabyte."""
    out = io.BytesIO()
    zeros = bytes(1024 * 1024)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made, made.open("zeros.jpg", "w") as file:
        for _ in range(256):
            file.write(zeros)
    return out.getvalue()


def link() -> bytes:
    """An archive with a symbolic link to a file of the system."""
    info = zipfile.ZipInfo("photo.jpg")
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(info, "/etc/passwd")
    return out.getvalue()


def encrypted() -> bytes:
    """An archive whose member says that it needs a password."""
    return _with_central(archive({"a.jpg": picture(1)}), 8, struct.pack("<H", 1))


def overlapping() -> bytes:
    """Two members that share the same bytes."""
    made = bytearray(archive({"a.jpg": picture(1), "b.jpg": picture(2)}))
    second = made.rfind(b"PK\x01\x02")
    made[second + 42 : second + 46] = struct.pack("<I", 0)
    return bytes(made)


def twice() -> bytes:
    """Two members of the same name."""
    made = archive({"a.jpg": picture(1), "b.jpg": picture(2)})
    return made.replace(b"b.jpg", b"a.jpg")


def zip64() -> bytes:
    """An archive with the end record of far larger ones before its own."""
    made = archive({"a.jpg": picture(1)})
    at = made.rfind(b"PK\x05\x06")
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    return made[:at] + locator + made[at:]


def several_disks() -> bytes:
    """An archive that says it is the second part of several."""
    made = bytearray(archive({"a.jpg": picture(1)}))
    at = made.rfind(b"PK\x05\x06")
    made[at + 4 : at + 6] = struct.pack("<H", 1)
    return bytes(made)


def huge_directory() -> bytes:
    """An end record that promises more members than anybody can read."""
    made = bytearray(archive({"a.jpg": picture(1)}))
    at = made.rfind(b"PK\x05\x06")
    made[at + 8 : at + 12] = struct.pack("<HH", 60_000, 60_000)
    return bytes(made)


def unusual_method() -> bytes:
    """A member packed by a method that photos are not packed with."""
    return archive({"a.jpg": picture(1)}, zipfile.ZIP_BZIP2)


UNSAFE: dict[str, Callable[[], bytes]] = {
    "a bomb": bomb,
    "an archive in the archive": lambda: archive({"inner.zip": archive({"a.jpg": picture(1)})}),
    "a hidden archive in the archive": lambda: archive({"photo.jpg": archive({"a.jpg": picture(1)})}),
    "a way out": lambda: archive({"../../etc/cron.d/evil.jpg": picture(1)}),
    "an absolute path": lambda: archive({"/etc/evil.jpg": picture(1)}),
    "a path of Windows": lambda: archive({"..\\..\\evil.jpg": picture(1)}),
    "a drive of Windows": lambda: archive({"C:/evil.jpg": picture(1)}),
    "a link": link,
    "a password": encrypted,
    "shared bytes": overlapping,
    "one name twice": twice,
    "zip64": zip64,
    "several disks": several_disks,
    "a huge directory": huge_directory,
    "an unusual method": unusual_method,
    "bytes behind the end": lambda: archive({"a.jpg": picture(1)}) + b"<html>",
    "too many members": lambda: archive({f"{number}.jpg": b"x" for number in range(1001)}),
}


def _with_central(made: bytes, offset: int, value: bytes) -> bytes:
    """The archive with a field of its first central record replaced."""
    at = made.find(b"PK\x01\x02") + offset
    return made[:at] + value + made[at + len(value) :]
