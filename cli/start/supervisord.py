"""The process manager as a child of `hangtag run`: `python -m cli.start.supervisord CONFIG PARENT_PID`.

supervisor does the work. Added here: every change of a process is one JSON line on stdout, and nothing
outlives a `hangtag run` or a process manager that was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import Any

from supervisor import events
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

from cli.start.parent_death import end_with_parent


class _Options(ServerOptions):  # type: ignore[misc]  # supervisor ships no types
    """supervisor's options; `setpgrp` is what it calls in a new child before the program starts."""

    def __init__(self) -> None:
        super().__init__()
        self.manager = os.getpid()

    def setpgrp(self) -> None:
        super().setpgrp()
        end_with_parent(self.manager)


class _Supervisor(Supervisor):  # type: ignore[misc]  # supervisor ships no types
    def runforever(self) -> None:
        events.subscribe(events.ProcessStateEvent, _tell)
        super().runforever()


def _tell(event: Any) -> None:
    process = event.process
    line = {
        "process": process.config.name,
        "state": events.getEventNameByType(type(event)).removeprefix("PROCESS_STATE_").lower(),
        "pid": process.pid,
        "exit_status": process.exitstatus,
    }
    try:
        os.write(1, json.dumps(line).encode() + b"\n")
    except BrokenPipeError:  # `hangtag run` is gone, and with it the reader; we are about to be stopped
        return


def main(config: str, parent: int) -> None:
    """Supervise until a signal says to stop."""
    end_with_parent(parent)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    options = _Options()
    options.realize(["-c", config])
    options.first = True
    options.test = False
    with contextlib.suppress(asyncore.ExitNow):  # how supervisor says that all processes have stopped
        _Supervisor(options).main()
    options.close_logger()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
