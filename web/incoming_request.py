"""Requests as strangers send them, bounded in what they take.

Uploaded files lie in one temporary file: a form with a thousand photos takes one file descriptor and no
memory, and nothing is left when the process dies.
"""

from __future__ import annotations

import errno
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, cast

from flask import Request, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.sansio.multipart import MultipartDecoder

from shared.errors import InvalidJsonError, StorageFullError, TooManyPartsError, ValidationError
from web.services import services

# Under the data folder, not /tmp: that is memory in a container. The file has no name from its first moment.
FOLDER = "incoming"
# The largest body of ours names a thousand things; a photo never comes as JSON.
MAX_JSON_BYTES = 1024 * 1024
NUL = "A text in the request has a NUL character. Please leave it out."
FULL = (errno.ENOSPC, errno.EDQUOT)


class IncomingRequest(Request):
    """A request that writes the files it receives one behind the other into one place, and trusts no text."""

    _place: IO[bytes] | None = None

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self._place is None:
            folder = services().settings.data_dir / FOLDER
            folder.mkdir(parents=True, exist_ok=True)
            self._place = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - `close` closes it
        return cast("IO[bytes]", UploadedPart(self._place.fileno()))

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except RequestEntityTooLarge as error:
            if _raised_by_part_count(error):
                message = (
                    f"At most {self.max_form_parts:,} parts fit in one request. Please send fewer at once."
                )
                raise TooManyPartsError(message) from error
            raise
        except OSError as error:
            if error.errno in FULL:
                raise StorageFullError from error
            raise
        refuse_nul(self.form.values())

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        """The body as bytes.

        Raises:
            ClientDisconnected: it broke off before the length that it has by its header.
        """
        data = super().get_data(cache, False, parse_form_data)
        if not parse_form_data and len(data) < (self.content_length or 0):
            raise ClientDisconnected
        return data.decode(errors="replace") if as_text else data

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body as JSON.

        Raises:
            InvalidJsonError: it is none, or holds text that no database can keep.
        """
        self.max_content_length = MAX_JSON_BYTES
        try:
            value = super().get_json(force, silent, cache)
            json.dumps(value, ensure_ascii=False).encode()  # fails with half a character
            has_nul = any("\0" in text for text in _texts(value))
        except (RecursionError, UnicodeEncodeError) as error:
            raise InvalidJsonError from error
        if has_nul:
            raise InvalidJsonError(NUL)
        return value

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Say that a body is no JSON; one that does not claim to be is refused by the framework."""
        if e is not None:
            raise InvalidJsonError from e
        return super().on_json_loading_failed(e)

    def close(self) -> None:
        """Give the place back."""
        super().close()
        if self._place is not None:
            self._place.close()


def came_too_slowly() -> bool:
    """Whether the present request broke off because we had waited long enough (`web/slow_clients.py`)."""
    return bool(getattr(request.environ.get("gunicorn.socket"), "too_slow", False))


def refuse_nul(texts: Iterable[str]) -> None:
    """Refuse text with a NUL character: PostgreSQL cannot keep it, and nobody types it.

    Raises:
        ValidationError: there is one.
    """
    if any("\0" in text for text in texts):
        raise ValidationError(NUL)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, the names of its members too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _texts(part)


class UploadedPart(io.RawIOBase):
    """One file of a form, from the end of the place as it is now. Threads may read different parts."""

    def __init__(self, place: int) -> None:
        self._place = place
        self._start = os.fstat(place).st_size
        self._size = 0
        self._at = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def writable(self) -> bool:
        """It can be written, until the next part begins behind it."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # the form's parser writes bytes
        """Add bytes."""
        written = os.pwrite(self._place, data, self._start + self._at)
        while written < len(data):  # a disk that is almost full takes a part of it before it complains
            written += os.pwrite(self._place, data[written:], self._start + self._at + written)
        self._at += written
        self._size = max(self._size, self._at)
        return written

    def read(self, size: int | None = -1) -> bytes:
        """The next `size` bytes, or all that are left."""
        left = max(0, self._size - self._at)
        count = left if size is None or size < 0 else min(size, left)
        data = os.pread(self._place, count, self._start + self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in this part."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError(errno.EINVAL, "That lies before the beginning.")
        self._at = origin + offset
        return self._at

    def tell(self) -> int:
        """Where in this part we are."""
        return self._at


def _raised_by_part_count(error: RequestEntityTooLarge) -> bool:
    """Whether the form had too many parts; the form parser says the same of too many bytes, elsewhere."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is MultipartDecoder.next_event.__code__
