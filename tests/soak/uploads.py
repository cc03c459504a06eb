"""Sellers who send photos steadily and do not give up."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field

import httpx

from tests.factories import picture
from tests.live_system import LiveSystem

# What a client does that was told to come back, or whose connection broke.
RETRY_SECONDS = 0.5
# This many of a hundred photos are sent again with the same key after they were accepted.
REPEATED_PERCENT = 5
TRY_AGAIN = (503, 507)


@dataclass
class Log:
    """What the sellers were told."""

    accepted: list[str] = field(default_factory=list)
    took: list[tuple[float, float]] = field(default_factory=list)  # when and for how long a 202 took
    refused: int = 0
    broken: int = 0
    violations: list[str] = field(default_factory=list)


class Sellers:
    """Send photos at a steady rate, each with a key, each until it is accepted."""

    def __init__(self, system: LiveSystem, seed: int, per_second: float, sellers: int) -> None:
        self.log = Log()
        self._system = system
        self._seed = seed
        self._pause = sellers / per_second
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._send_photos, args=(number, sellers), name=f"seller-{number}")
            for number in range(sellers)
        ]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no new photos; wait until those on their way are accepted."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send_photos(self, number: int, step: int) -> None:
        chance = random.Random(self._seed + number)  # noqa: S311 - repeatable
        photo = self._seed * 1_000_000 + number
        with self._system.api(wait_seconds=40) as client:
            due = time.monotonic()
            while not self._stop.is_set():
                self._send(client, photo, again=chance.randrange(100) < REPEATED_PERCENT)
                photo += step
                due = max(due + self._pause, time.monotonic() - self._pause)
                self._stop.wait(max(0.0, due - time.monotonic()))

    def _send(self, client: httpx.Client, photo: int, *, again: bool) -> None:
        job_id = self._until_accepted(client, photo)
        with self._lock:
            self.log.accepted.append(job_id)
        if again and self._until_accepted(client, photo) != job_id:
            self._violation(f"photo {photo} was sent twice with one key and is two jobs")

    def _until_accepted(self, client: httpx.Client, photo: int) -> str:
        files = {"photo": (f"{photo}.jpg", picture(photo), "image/jpeg")}
        while True:
            began = time.monotonic()
            try:
                headers = {"Idempotency-Key": f"photo-{photo}"}
                answer = client.post("/api/v1/classifications", files=files, headers=headers)
            except httpx.TransportError:
                self._note_trouble(broken=1)
            else:
                if answer.status_code == 202:
                    with self._lock:
                        self.log.took.append((began, time.monotonic() - began))
                    return str(answer.json()["job"]["id"])
                self._note_trouble(refused=1)
                if answer.status_code not in TRY_AGAIN:
                    self._violation(f"photo {photo} was answered {answer.status_code} {answer.text[:300]}")
            time.sleep(RETRY_SECONDS)

    def _violation(self, text: str) -> None:
        with self._lock:
            self.log.violations.append(text)

    def _note_trouble(self, refused: int = 0, broken: int = 0) -> None:
        with self._lock:
            self.log.refused += refused
            self.log.broken += broken
