"""The public clothing photos (CC0) that the starter version was trained on, fetched from GitHub."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx

from shared.errors import HangtagError

NAME = "clothing"
REPOSITORY = "alexeygrigorev/clothing-dataset-small"
# The repository has had this one branch since 2020 and no releases; digests of single photos are compared at
# import, so a changed photo becomes another dataset version instead of passing for this one.
BRANCH = "master"
ARCHIVE = f"https://codeload.github.com/{REPOSITORY}/zip/refs/heads/{BRANCH}"
CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
# The archive has about 100 MB; whatever is much larger is another file.
MAX_ARCHIVE_BYTES = 500_000_000
MAX_PHOTO_BYTES = 20_000_000
# One folder that GitHub adds, a split, a category, a file. Nothing else is extracted, under no other name.
MEMBER = re.compile(r"[^/]+/(train|validation|test)/([a-z0-9-]+)/([A-Za-z0-9_-]+\.jpg)")

Report = Callable[[int, int | None], None]


class FetchError(HangtagError):
    """The photos could not be downloaded."""

    code = "dataset_fetch_failed"


def fetch(folder: Path, report: Report, address: str = ARCHIVE) -> Path:
    """Download the photos below `folder` and return the folder to import.

    Raises:
        FetchError: the network refuses, or what came is not the archive.
    """
    archive = folder / "photos.zip"
    try:
        _download(address, archive, report)
        return _extract(archive, folder / "photos")
    except (httpx.HTTPError, zipfile.BadZipFile) as error:
        raise FetchError(
            f"The clothing photos could not be downloaded ({type(error).__name__}: {error}). Where GitHub "
            f"can be reached, run 'git clone https://github.com/{REPOSITORY}', copy the folder here and run "
            "'hangtag dataset import' on it."
        ) from error


def _download(address: str, archive: Path, report: Report) -> None:
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    with (
        httpx.stream("GET", address, timeout=timeout, follow_redirects=True) as response,
        archive.open("wb") as file,
    ):
        response.raise_for_status()
        total = int(response.headers.get("Content-Length") or 0) or None
        for chunk in response.iter_bytes():
            file.write(chunk)
            report(file.tell(), total)
            if file.tell() > MAX_ARCHIVE_BYTES:
                raise FetchError(
                    f"The download grew past {MAX_ARCHIVE_BYTES} bytes, so it is not the archive."
                )


def _extract(archive: Path, target: Path) -> Path:
    with zipfile.ZipFile(archive) as source:
        for member in source.infolist():
            found = MEMBER.fullmatch(member.filename)
            if found is None or member.file_size > MAX_PHOTO_BYTES:
                continue
            path = target.joinpath(*found.groups())
            path.parent.mkdir(parents=True, exist_ok=True)
            with source.open(member) as packed, path.open("wb") as file:
                shutil.copyfileobj(packed, file)
    return target
