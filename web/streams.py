"""Event streams: how a job goes on, told while it does (server-sent events, WHATWG HTML section 9.2).

An open stream holds a server thread, so there are few of them at once, and each ends by itself after a while;
the browser then connects again with the last id it saw. An event holds the whole job, not a difference: one
that got lost is made good by the next, and a client that saw the newest is not told again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator

from shared.errors import HangtagError

# gunicorn gives a process 32 threads: twelve may wait in long polls, eight in streams, twelve do the rest.
MAX_STREAMS = 8
# Browsers open six connections to one server; a person with three job pages open has one each.
MAX_STREAMS_PER_PERSON = 3
# Long enough that reconnecting costs nothing, short enough that a stop or a closed tab frees the thread soon.
STREAM_SECONDS = 60.0
# Proxies drop what is silent for 30 to 60 seconds.
HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 0.5
RECONNECT_MS = 1000


def event_id(data: str) -> str:
    """The id of what an event says: the same content has the same id."""
    return hashlib.sha256(data.encode()).hexdigest()[:16]


def events(
    look: Callable[[], tuple[str, bool]], last_id: str | None, seconds: float = STREAM_SECONDS
) -> Iterator[str]:
    """The text of a stream: what `look` returns each time it says something new, at most for `seconds`.

    `look` returns the data and whether it is final; after that, the stream ends. `last_id` is what the client
    saw last.
    """
    begun = spoken = time.monotonic()
    yield f"retry: {RECONNECT_MS}\n\n"
    while True:
        try:
            data, final = look()
        except HangtagError:  # the client connects again and is told then
            return
        now = time.monotonic()
        if (fresh := event_id(data)) != last_id:
            last_id, spoken = fresh, now
            yield f"id: {fresh}\nevent: job\ndata: {data}\n\n"
        elif now - spoken >= HEARTBEAT_SECONDS:
            spoken = now
            yield ": still there\n\n"
        if final or now - begun >= seconds:
            return
        time.sleep(LOOK_SECONDS)
