"""A planned stop: a worker that is asked to end tells its children, and they give their work back."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from typing import Any

from celery import signals

from shared.errors import TransientError

# SIGTERM ends a child of Celery at once and SIGUSR1 is its soft time limit; this one is free.
STOP_SIGNAL = signal.SIGUSR2


class WorkerStoppingError(TransientError):
    """This worker stops in an orderly way; another one goes on with the job."""

    code = "worker_stopping"


class PlannedStop:
    """Whether this process was asked to give its work back and end."""

    def __init__(self) -> None:
        # A plain flag: a signal handler that takes a lock can wait for the very code it interrupts.
        self._requested = False

    @property
    def requested(self) -> bool:
        """Whether it was."""
        return self._requested

    def request(self, *_: object) -> None:
        """Ask for it. Serves as a signal handler."""
        self._requested = True

    def listen(self) -> None:
        """From now on take the parent's signal as a request. Call it on the main thread, before any work.

        A child that is told before it listens dies of the signal, and has nothing to give back yet.
        """
        signal.signal(STOP_SIGNAL, self.request)

    def check(self) -> None:
        """Raise when it was asked for.

        Raises:
            WorkerStoppingError: it was.
        """
        if self._requested:
            raise WorkerStoppingError


def stop_on_signal() -> threading.Event:
    """An event that is set as soon as a signal asks this process to end. Call it on the main thread.

    A thread sets it: a handler that takes the event's lock can wait for the very code it interrupts.
    """
    stop = threading.Event()
    heard, told = os.pipe()

    def wait() -> None:
        os.read(heard, 1)
        stop.set()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(told, b"."))
    return stop


def pass_on_stops() -> None:
    """Have the Celery worker of this process tell its children as soon as it is asked to stop.

    Celery itself lets a running task go on to its end, which for a training may be hours away.
    """
    workers: list[Any] = []

    def remember(sender: Any, **_: Any) -> None:
        workers.append(sender)

    def tell(**_: Any) -> None:
        for worker in workers:
            for child in worker.pool.info["processes"]:
                with suppress(ProcessLookupError):
                    os.kill(child, STOP_SIGNAL)

    # weak=False: nothing else would keep these functions alive.
    signals.worker_init.connect(remember, weak=False)
    signals.worker_shutting_down.connect(tell, weak=False)
