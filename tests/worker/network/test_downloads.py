"""Downloads of the weights: bounded in time and size, with progress, and plain about what went wrong."""

from __future__ import annotations

import functools
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from keras.src.applications import xception

from worker.network.keras_download import KERAS_URL, SOURCE, DownloadError, download_from_keras
from worker.network.mirror_wheel import download_from_index
from worker.network.progress import no_report


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """The test's output is for the test."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which a real server offers its files."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_address_is_the_one_that_keras_uses() -> None:
    assert KERAS_URL == xception.WEIGHTS_PATH_NO_TOP


def test_a_download_tells_how_far_it_is(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = served
    content = bytes(range(256)) * 10_000
    (folder / "weights.h5").write_bytes(content)
    seen: list[tuple[str, int, int | None]] = []

    path = download_from_keras(tmp_path, lambda *progress: seen.append(progress), f"{address}/weights.h5")

    assert path.read_bytes() == content
    assert seen[-1] == (SOURCE, len(content), len(content))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_a_missing_file_is_reported_with_the_servers_answer(served: tuple[Path, str], tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="the server answered 404"):
        download_from_keras(tmp_path, no_report, f"{served[1]}/gone.h5")


def test_a_server_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(DownloadError, match=r"no answer within 0\.3 seconds"):
            download_from_keras(tmp_path, no_report, f"http://127.0.0.1:{silent.getsockname()[1]}/", 0.3)
        assert time.monotonic() - start < 5


def test_nobody_listening_is_reported_at_once(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen: nobody else can take the port meanwhile
        with pytest.raises(DownloadError, match="no connection"):
            download_from_keras(tmp_path, no_report, f"http://127.0.0.1:{deaf.getsockname()[1]}/")


def test_an_index_without_the_wheel_is_reported_in_the_installers_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    with pytest.raises(DownloadError, match="package installer failed: No matching distribution"):
        download_from_index(tmp_path, no_report)


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    (offered / "pneumonia_model_package-0.3.0-py3-none-any.whl").write_bytes(b"not what was promised")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(offered))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    with pytest.raises(DownloadError, match="package installer failed"):
        download_from_index(tmp_path, no_report)
