"""Fetch the weights file from the address Keras itself uses, without importing Keras.

`keras.utils.get_file` would bring TensorFlow into every process that needs weights, print its own bar and set
no time limit; the address is the only part of it that is needed.
"""

from __future__ import annotations

import http.client
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import cast

from worker.network.progress import Report

# keras.applications.xception, WEIGHTS_PATH_NO_TOP; a test compares the two.
KERAS_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/"
    "xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
# Design, section 7: no source may make a start wait longer than this for a connection, or for the next bytes.
CONNECT_SECONDS = 10.0
# The file has 84 MB; whatever is much larger is another file.
MAX_BYTES = 200 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
SOURCE = "Keras' download"


class DownloadError(Exception):
    """The file could not be fetched."""


def download_from_keras(
    folder: Path, report: Report, url: str = KERAS_URL, patience: float = CONNECT_SECONDS
) -> Path:
    """Fetch `url` into `folder` and return the file, which is not verified yet.

    Raises:
        DownloadError: no answer within `patience` seconds, as long a silence, or an answer that is no file.
    """
    target = folder / url.rpartition("/")[2]
    try:
        with _opened_in_time(url, patience) as response, target.open("wb") as file:
            total = int(response.headers.get("Content-Length") or 0) or None
            done = 0
            while chunk := response.read(CHUNK_BYTES):
                done += len(chunk)
                if done > MAX_BYTES:
                    raise DownloadError(f"the file is larger than {MAX_BYTES} bytes")
                file.write(chunk)
                report(SOURCE, done, total)
            os.fsync(file.fileno())
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(_reason(error)) from error
    return target


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({error.reason})"
    return f"the connection broke off ({error or type(error).__name__})"


def _is_timeout(error: Exception) -> bool:
    # urllib wraps what fails before the request is sent and nothing after it.
    return isinstance(error.reason if isinstance(error, urllib.error.URLError) else error, TimeoutError)


def _opened_in_time(url: str, patience: float) -> http.client.HTTPResponse:
    """Open `url` or give up after `patience` seconds in all.

    A socket timeout alone counts for each address of the host anew and not at all while its name is looked
    up, so the wait happens beside a thread, which is left to its own end when it takes too long.
    """
    attempt = _Attempt(url, patience)
    thread = threading.Thread(target=attempt.run, daemon=True, name="connect-to-keras")
    thread.start()
    thread.join(patience)
    return attempt.outcome()


class _Attempt:
    """One try to open an address, from which the waiting thread may walk away."""

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._lock = threading.Lock()
        self._given_up = False
        self._response: http.client.HTTPResponse | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            response = cast(
                "http.client.HTTPResponse",
                urllib.request.urlopen(self._url, timeout=self._patience),  # noqa: S310 - ours
            )
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # an answer like 404 is an error and an open connection in one
            self._error = error
            return
        with self._lock:
            self._response = response
            if self._given_up:
                response.close()

    def outcome(self) -> http.client.HTTPResponse:
        with self._lock:
            if self._response is not None:
                return self._response
            self._given_up = True
        # The socket's own time limit is as long as the wait beside it: either may be the first to end.
        if self._error is None or _is_timeout(self._error):
            raise DownloadError(f"no answer within {self._patience:g} seconds")
        raise self._error
