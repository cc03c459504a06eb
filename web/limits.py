"""How often may be asked: per key and per person, and per address for those nobody knows.

Counted in Redis, so that all web processes count together, and in memory while Redis is away: an upload
waits once, for a fraction of a second, for a Redis that does not answer, and goes on. What limits sign-in is
in the database (`shared/accounts/throttle.py`) and does not depend on Redis.
"""

from __future__ import annotations

import time
from typing import cast

from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded

from shared.limit_errors import RateLimitedError
from shared.redis_server import client_url
from shared.settings import Settings
from web import problems
from web.auth import SAFE_METHODS, identify

# Beside the second that a wake-up may take while Redis is frozen; a Redis that is well answers in under 1 ms.
REDIS_SECONDS = 0.25
REDIS_OPTIONS = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
# Static files cost nothing, and monitoring must not be told to come back later.
UNLIMITED = frozenset({"static", "health.live", "health.ready", "health.metrics"})
WINDOW_SECONDS = 60
TOO_FAST = "That was a little too fast: {allowed:,} requests a minute are allowed. Please wait, then go on."


def register(app: Flask, settings: Settings) -> None:
    """Count the requests of an application."""
    app.before_request(_identify_first)
    limiter = Limiter(
        key_func=_person,
        application_limits=[*_limits(settings)],
        storage_uri=_storage_url(settings),
        # The declared type knows whole seconds only; redis-py takes fractions.
        storage_options=cast("dict[str, str | int]", REDIS_OPTIONS),
        key_prefix="hangtag",
        in_memory_fallback_enabled=True,
        # Of the threads that notice a dead Redis together, only the first counts in memory; a request that
        # cannot be counted goes on.
        swallow_errors=True,
    )
    limiter.request_filter(_unlimited)
    limiter.init_app(app)
    app.register_error_handler(RateLimitExceeded, lambda error: _refusal(limiter, error))


def _limits(settings: Settings) -> list[ApplicationLimit]:
    """One limit for each figure that is not 0. One key gets half of what its owner may: a program that runs
    wild leaves its owner room to sign in and revoke it."""
    anonymous, reads, writes = settings.rate_anonymous, settings.rate_reads, settings.rate_writes
    limits = [  # a key's come first: what they refuse does not count against its owner
        (anonymous, "anonymous", _address, _known),
        (_half(reads), "key-reads", _key, lambda: not _by_key() or _writes()),
        (reads, "reads", _person, lambda: not _known() or _writes()),
        (_half(writes), "key-writes", _key, lambda: not _by_key() or not _writes()),
        (writes, "writes", _person, lambda: not _known() or not _writes()),
    ]
    return [
        ApplicationLimit(f"{figure} per minute", key_function=key, scope=scope, exempt_when=exempt)
        for figure, scope, key, exempt in limits
        if figure
    ]


def _half(figure: int) -> int:
    return (figure + 1) // 2


def _storage_url(settings: Settings) -> str:
    return client_url(settings).replace("unix://", "redis+unix://", 1)


def _unlimited() -> bool:
    return request.endpoint in UNLIMITED


def _identify_first() -> None:
    """Look up who asks where no error of the database can be taken for one of Redis."""
    if not _unlimited():
        identify()


def _known() -> bool:
    return identify() is not None


def _by_key() -> bool:
    known = identify()
    return known is not None and known.key_id is not None


def _writes() -> bool:
    return request.method not in SAFE_METHODS


def _address() -> str:
    return f"address:{request.remote_addr}"


def _person() -> str:
    known = identify()
    return f"person:{known.user.id}" if known else _address()


def _key() -> str:
    known = identify()
    return f"key:{known.key_id}" if known else _address()


def _refusal(limiter: Limiter, error: RateLimitExceeded) -> Response:
    limit = limiter.current_limit
    left = round(limit.reset_at - time.time()) if limit else WINDOW_SECONDS
    allowed = error.limit.limit.amount
    seconds = min(max(1, left), WINDOW_SECONDS)
    return problems.explain(RateLimitedError(TOO_FAST.format(allowed=allowed), seconds))
