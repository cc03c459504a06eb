"""What a Redis that is frozen or away costs whoever asks it."""

from __future__ import annotations

import dataclasses
import socket
import threading

import pytest
import redis

from shared.redis_client import impatient_client
from shared.settings import Settings

# Whoever listens notices further tries long before; nobody waits for it to pass.
PATIENCE_SECONDS = 10.0


def test_a_server_that_never_answers_is_asked_once_and_given_up(settings: Settings) -> None:
    """It accepts connections, as a frozen server does, and counts them."""
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        url = f"redis://127.0.0.1:{frozen.getsockname()[1]}"
        with impatient_client(dataclasses.replace(settings, redis_url=url), 0.05) as client:
            asking = threading.Thread(target=_ask_in_vain, args=(client,))
            asking.start()
            asking.join(PATIENCE_SECONDS)
            assert not asking.is_alive()
        assert _connections(frozen) == 1


def test_it_asks_the_redis_of_the_settings(settings: Settings) -> None:
    with impatient_client(settings, PATIENCE_SECONDS) as client:
        assert client.ping()


def _ask_in_vain(client: redis.Redis) -> None:
    with pytest.raises(redis.TimeoutError):
        client.ping()


def _connections(server: socket.socket) -> int:
    """How many wait to be accepted."""
    server.setblocking(False)
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1
