"""Pictures and archives, damaged at random but with an eye for how they are built."""

from __future__ import annotations

import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageCms

from tests.archives import UNSAFE, archive
from tests.bad_pictures import MODES, SIGNATURES, animation, in_mode, phone_photo, png_header, saved

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Numbers at which sizes and counts go wrong.
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def pictures() -> list[bytes]:
    """Small pictures of every kind that is taken, and of some that are not."""
    colours = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(colours).resize((48, 64), Image.Resampling.BICUBIC)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = image.transpose(Image.Transpose.ROTATE_180)
    return [
        saved(image, "JPEG"),
        saved(image, "JPEG", progressive=True, optimize=True),
        saved(image, "JPEG", icc_profile=profile, comment=b"a comment"),
        saved(image, "PNG", icc_profile=profile),
        saved(image.quantize(8), "PNG", transparency=3),
        saved(image, "WEBP"),
        saved(image, "WEBP", lossless=True),
        saved(image.convert("RGBA"), "WEBP", exact=True),
        saved(image, "MPO", save_all=True, append_images=[other]),
        animation("PNG", 3),
        animation("WEBP", 3),
        phone_photo(),
        png_header(64, 64),
        *map(in_mode, MODES),
        SIGNATURES["SVG"],
    ]


def archives(seeds: Sequence[bytes]) -> list[bytes]:
    """Small archives, plain and unsafe."""
    files = {f"{number}.jpg": data for number, data in enumerate(seeds[:4])}
    plain = [archive(files, method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)]
    small = (made for name, make in UNSAFE.items() if name != "a bomb" and len(made := make()) < 64 * 1024)
    return [*plain, *plain, *plain, *small]


def mutated_picture(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, damaged a few times."""
    data = chance.choice(seeds)
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_fitting(data))(chance, data, seeds)
    return data


def mutated_archive(chance: random.Random, seeds: Sequence[bytes], made: Sequence[bytes]) -> bytes:
    """An archive of damaged pictures, or a damaged archive of pictures."""
    if chance.random() < 0.3:
        names = [f"{number}.jpg" for number in range(chance.randint(1, 4))]
        return archive({name: mutated_picture(chance, seeds) for name in names})
    data = chance.choice(made)
    for _ in range(chance.randint(1, 3)):
        data = chance.choice((_field, _field, _field, *ANY))(chance, data, made)
    return data


Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def _fitting(data: bytes) -> tuple[Mutation, ...]:
    if data.startswith(PNG_SIGNATURE):
        return (_png_chunks, _png_chunks, *ANY)
    if data.startswith(b"\xff\xd8"):
        return (_jpeg_segments, _jpeg_segments, *ANY)
    return ANY


def _flip(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(min(len(changed), chance.choice((1, 1, 4, 32)))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _number(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """An edge value somewhere near the beginning, where headers are, in either byte order."""
    size, order = chance.choice((1, 2, 4)), chance.choice("<>")
    value = chance.choice(EDGES) & (256**size - 1)
    at = chance.randrange(max(1, min(len(data), chance.choice((64, 512, 1 << 20)))))
    return data[:at] + struct.pack(order + {1: "B", 2: "H", 4: "I"}[size], value) + data[at + size :]


def _cut(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _drop(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randrange(1, 64) :]


def _repeat(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    part = data[at : at + chance.randrange(1, 256)]
    return data[:at] + part * chance.randrange(2, 16) + data[at:]


def _splice(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = chance.choice(seeds)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


ANY: tuple[Mutation, ...] = (_flip, _flip, _number, _number, _cut, _drop, _repeat, _splice)


def _png_chunks(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """A chunk changed, moved, dropped or doubled, with sums that are right again."""
    chunks = _chunks(data)
    if not chunks:
        return _flip(chance, data, seeds)
    at = chance.randrange(len(chunks))
    kind, body = chunks[at]
    deed = chance.randrange(4)
    if deed == 0:
        chunks[at] = (kind, chance.choice((_flip, _number, _drop, _repeat))(chance, body or b"\0", seeds))
    elif deed == 1:
        del chunks[at]
    elif deed == 2:
        chunks.insert(chance.randrange(len(chunks) + 1), chunks[at])
    else:
        chance.shuffle(chunks)
    return PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def _jpeg_segments(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """A segment changed, dropped or doubled, with a length that is right or wrong."""
    marks = [at for at in range(2, len(data) - 4) if data[at] == 0xFF and 0xC0 <= data[at + 1] <= 0xFE]
    if not marks:
        return _flip(chance, data, seeds)
    at = chance.choice(marks)
    (length,) = struct.unpack_from(">H", data, at + 2)
    segment = data[at : at + 2 + length]
    deed = chance.randrange(3)
    if deed == 0:
        return data[:at] + data[at + 2 + length :]
    if deed == 1:
        return data[:at] + segment * chance.choice((2, 2, 50)) + data[at + 2 + length :]
    changed = chance.choice((_flip, _number))(chance, segment, seeds)
    return data[:at] + changed + data[at + 2 + length :]


def _field(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """A field of one of an archive's records set to an edge value."""
    marks = [at for at in range(len(data) - 4) if data[at : at + 2] == b"PK"]
    if not marks:
        return _flip(chance, data, seeds)
    at = chance.choice(marks) + 4 + 2 * chance.randrange(20)
    form, size = chance.choice((("<H", 2), ("<I", 4)))
    value = chance.choice((*EDGES, *marks)) & (256**size - 1)
    return data[:at] + struct.pack(form, value) + data[at + size :]
