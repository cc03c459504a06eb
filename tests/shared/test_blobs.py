"""The blob store in a local folder that stops answering."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.errors import BlobMissingError, StorageUnavailableError

KEY = "photos/ab/abcd.jpg"
ACTS: dict[str, Callable[[BlobStore], object]] = {
    "put": lambda blobs: blobs.put(KEY, b"bytes"),
    "get": lambda blobs: blobs.get(KEY),
    "delete": lambda blobs: blobs.delete(KEY),
    "delete if before": lambda blobs: blobs.delete_if_before(KEY, utc_now()),
    "list": lambda blobs: list(blobs.keys_before("photos", utc_now())),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_store_that_does_not_answer_is_named_whatever_it_is_asked(blobs: BlobStore, act: str) -> None:
    assert blobs.folder is not None
    (blobs.folder / "photos").symlink_to("photos")  # a folder that cannot be gone into
    with pytest.raises(StorageUnavailableError):
        ACTS[act](blobs)


def test_what_is_given_its_name_during_a_look_for_leftovers_is_none(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert blobs.folder is not None
    left, going_on = blobs.folder / "a.jpg#1", blobs.folder / "b.jpg#2"
    left.write_bytes(b"half")

    def found(_: Path, pattern: str) -> list[Path]:
        assert going_on.match(pattern)
        return [going_on, left]

    monkeypatch.setattr(Path, "rglob", found)
    assert blobs.remove_unfinished(utc_now() + timedelta(hours=1)) == 1
    assert not left.exists()


def test_what_is_not_there_is_missing_and_needs_no_removal(blobs: BlobStore) -> None:
    with pytest.raises(BlobMissingError):
        blobs.get(KEY)
    blobs.delete(KEY)
    assert not blobs.delete_if_before(KEY, utc_now())
    assert list(blobs.keys_before("photos", utc_now())) == []
