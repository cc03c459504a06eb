"""How large a request may be, and how many of one person's may be on their way at once."""

from __future__ import annotations

from flask import Flask, request

from shared.limit_errors import (
    BusyError,
    BusyWithYoursError,
    TooManyAtOnceError,
    TooManyStreamsError,
    TooManyStreamsOfOneError,
)
from web.auth import SAFE_METHODS, identify
from web.places import Places, give_back_all
from web.services import services
from web.streams import MAX_STREAMS, MAX_STREAMS_PER_PERSON

# One photo of at most 10 MiB, plus the form around it, many photos in the plain form.
MAX_BYTES = 25 * 1024 * 1024
# Of somebody nobody knows: sign-in forms are smaller, and everything else is refused unread.
MAX_STRANGER_BYTES = 64 * 1024
# Larger ones (batches, plain forms full of photos) in one process: each may fill 250 MiB of disk and keeps
# the decoders busy. One person has one of these places, so that nobody holds them all.
MAX_LARGE, MAX_LARGE_PER_PERSON = 2, 1
# Each holds one of 32 threads; however slowly one person sends, eight threads are left to others.
MAX_WRITES, MAX_WRITES_PER_PERSON = 32, 24


def stream_places() -> Places:
    """Places for event streams."""
    return Places(MAX_STREAMS, MAX_STREAMS_PER_PERSON, TooManyStreamsError, TooManyStreamsOfOneError)


def large_places() -> Places:
    """Places for requests that are larger than most."""
    return Places(MAX_LARGE, MAX_LARGE_PER_PERSON, BusyError, BusyWithYoursError)


def write_places() -> Places:
    """Places for requests with a body."""
    return Places(MAX_WRITES, MAX_WRITES_PER_PERSON, BusyError, TooManyAtOnceError)


def register(app: Flask) -> None:
    """Bound the writing requests of an application."""
    app.before_request(_bound)
    app.teardown_request(give_back_all)


def make_room(max_bytes: int, max_parts: int | None = None) -> None:
    """Let the present request be larger than others; only a few are at once.

    Raises:
        BusyWithYoursError: another one of the same person is being taken in.
        BusyError: others are.
    """
    known = identify()
    if known is None:  # the view refuses it
        return
    services().large_requests.take_for_request(known.user.id)
    request.max_content_length = max_bytes
    if max_parts is not None:
        request.max_form_parts = max_parts


def _bound() -> None:
    if request.method in SAFE_METHODS:
        return
    known = identify()
    if known is None:
        request.max_content_length = MAX_STRANGER_BYTES
    else:
        services().writes.take_for_request(known.user.id)
