"""Clients of Redis for everything but wake-ups, which Celery sends (`shared.jobs.queue`)."""

from __future__ import annotations

import redis

from shared.redis_server import client_url
from shared.settings import Settings


def impatient_client(settings: Settings, seconds: float) -> redis.Redis:
    """A client that waits at most `seconds` to be connected and as long for each answer, and asks once.

    redis-py by itself waits five seconds for a frozen server and asks three times more, with pauses.

    Raises:
        SettingsError: the folder of the socket belongs to somebody else.
    """
    return redis.Redis.from_url(
        client_url(settings), socket_timeout=seconds, socket_connect_timeout=seconds, retry=None
    )
