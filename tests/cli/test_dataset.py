"""`hangtag dataset`: folders and downloads become examples, and what is left out is named."""

from __future__ import annotations

import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cli import clothing_photos
from shared.database import Database
from shared.jobs.states import Split
from shared.tables import Example
from tests.cli.conftest import Command
from tests.factories import CLASSES, picture

SPLITS = ("train", "validation", "test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One photo per category and split."""
    root = tmp_path / "photos"
    for seed, (split, label) in enumerate((split, label) for split in SPLITS for label in CLASSES):
        path = root / split / label / f"{seed}.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(picture(seed))
    return root


@pytest.mark.usefixtures("started")
def test_an_import_counts_per_category_and_split(command: Command, folder: Path) -> None:
    result = command("dataset", "import", str(folder))
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["category", *SPLITS]
    assert lines[1:4] == [[label, "1", "1", "1"] for label in CLASSES]
    assert "9 photos imported, 0 known already" in result.stdout
    assert "holds these 9 photos and no others." in result.stdout


def test_a_folder_that_does_not_exist_is_said_to_be_missing(command: Command, tmp_path: Path) -> None:
    missing = tmp_path / "nope"
    result = command("dataset", "import", str(missing))
    assert result.exit_code == 2
    assert f"{missing} does not exist." in result.stderr


@pytest.mark.usefixtures("started")
def test_importing_again_adds_nothing(command: Command, folder: Path) -> None:
    first = json.loads(command("dataset", "import", str(folder), "--json").stdout)
    second = json.loads(command("dataset", "import", str(folder), "--json").stdout)
    assert (second["imported"], second["already_known"]) == (0, 9)
    assert second["dataset_version"] == first["dataset_version"]


@pytest.mark.usefixtures("started")
def test_an_import_tells_its_photos_from_the_others_of_the_version(
    command: Command, folder: Path, database: Database
) -> None:
    command("dataset", "import", str(folder))
    with database.write() as session:
        session.add(Example(digest="f" * 64, label=CLASSES[0], split=Split.TRAIN, source="a seller"))
    (folder / "train" / CLASSES[0] / "new.jpg").write_bytes(picture(99))
    result = command("dataset", "import", str(folder))
    assert "1 photos imported, 9 known already" in result.stdout
    assert "holds 11 photos, as counted above: these 10, and 1 more" in result.stdout
    assert json.loads(command("dataset", "import", str(folder), "--json").stdout)["others"] == 1


@pytest.mark.usefixtures("started")
def test_repeated_and_unreadable_files_are_named_and_stop_nothing(command: Command, folder: Path) -> None:
    (folder / "train" / "hat" / "again.jpg").write_bytes(picture(0))
    (folder / "train" / "hat" / "broken.jpg").write_bytes(picture(99)[:300])
    result = command("dataset", "import", str(folder))
    assert result.exit_code == 0
    assert "train/hat/again.jpg" in result.stdout
    assert "train/hat/broken.jpg" in result.stdout
    assert "1 repeated, 1 unreadable" in result.stdout


@pytest.mark.usefixtures("started")
def test_a_photo_that_was_moved_to_another_side_is_named(command: Command, folder: Path) -> None:
    command("dataset", "import", str(folder))
    (folder / "train" / CLASSES[0] / "0.jpg").rename(folder / "test" / CLASSES[0] / "0.jpg")
    result = command("dataset", "import", str(folder))
    assert "stays on the train side" in result.stdout
    assert f"test/{CLASSES[0]}/0.jpg" in result.stdout


@pytest.mark.usefixtures("started")
def test_a_folder_of_another_shape_is_refused_in_a_sentence(command: Command, tmp_path: Path) -> None:
    result = command("dataset", "import", str(tmp_path))
    assert result.exit_code == 2
    assert "train/, validation/ and test/" in result.stderr


def _archive(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


@contextmanager
def _download(body: bytes, status: int = 200) -> Iterator[str]:
    """A server with one file; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/photos.zip"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_only_photos_are_taken_out_of_a_download(tmp_path: Path) -> None:
    body = _archive(
        {
            "set-master/train/hat/a.jpg": picture(1),
            "set-master/README.md": b"hello",
            "set-master/train/hat/run.sh": b"rm -rf /",
            "set-master/train/../../../evil.jpg": b"out",
            "/etc/evil.jpg": b"out",
            "set-master/train/hat/deeper/b.jpg": b"too deep",
        }
    )
    seen: list[tuple[int, int | None]] = []
    with _download(body) as address:
        photos = clothing_photos.fetch(tmp_path, lambda done, total: seen.append((done, total)), address)
    assert _files(photos) == {"train/hat/a.jpg"}
    assert _files(tmp_path) == {"photos.zip", "photos/train/hat/a.jpg"}
    assert seen[-1] == (len(body), len(body))


@pytest.mark.parametrize(("body", "status"), [(b"not here", 404), (b"no archive at all", 200)])
def test_a_download_that_is_not_the_archive_says_how_to_do_it_by_hand(
    tmp_path: Path, body: bytes, status: int
) -> None:
    with _download(body, status) as address, pytest.raises(clothing_photos.FetchError, match="git clone"):
        clothing_photos.fetch(tmp_path, lambda done, total: None, address)


def test_a_network_that_refuses_says_how_to_do_it_by_hand(tmp_path: Path) -> None:
    with socket.socket() as probe:  # bound but not listening: refused at once
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        with pytest.raises(clothing_photos.FetchError, match="git clone"):
            clothing_photos.fetch(tmp_path, lambda done, total: None, address)


def test_a_set_that_does_not_exist_is_not_fetched(command: Command) -> None:
    result = command("dataset", "fetch", "furniture")
    assert result.exit_code == 2
    assert "clothing" in result.stderr
