"""The configuration of the process manager, written anew at each start."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.processes import PROCESSES, Process
from shared.redis_server import server_command
from shared.settings import Settings

LOG_BYTES = "10MB"
LOG_BACKUPS = 3
# A process that lives this long counts as started; Python alone needs a good part of it.
START_SECONDS = 3
# Waits grow by a second each time: after about a minute of failed starts in a row we give up and say so.
START_TRIES = 10
REDIS_STOP_SECONDS = 15


def processes(settings: Settings) -> tuple[Process, ...]:
    """What to supervise with these settings, in the order of starting."""
    if settings.redis_url is not None:
        return PROCESSES
    redis = Process("redis", tuple(server_command(settings.data_dir)), REDIS_STOP_SECONDS)
    return (redis, *PROCESSES)


def log_file(settings: Settings, name: str) -> Path:
    """Where a process's output goes."""
    return settings.data_dir / "logs" / f"{name}.log"


def write(settings: Settings) -> Path:
    """Write the configuration into the data folder and return its path."""
    folder = settings.data_dir / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    (settings.data_dir / "logs").mkdir(exist_ok=True)
    path = folder / "supervisord.conf"
    path.write_text(_text(settings, processes(settings)))
    return path


def _text(settings: Settings, chosen: Sequence[Process]) -> str:
    names = [process.name for process in chosen if process.name != "redis"]
    # One group stops all at once; Redis is outside of it, because the others may need it until their end.
    sections = [
        _section("supervisord", _supervisord(settings)),
        *(_section(f"program:{process.name}", _program(settings, process)) for process in chosen),
        _section("group:hangtag", {"programs": ",".join(names), "priority": "20"}),
    ]
    return "\n".join(sections)


def _section(name: str, values: dict[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in values.items()), ""])


def _supervisord(settings: Settings) -> dict[str, str]:
    return {
        "nodaemon": "true",
        "silent": "true",
        "logfile": _escape(str(log_file(settings, "supervisor"))),
        "logfile_maxbytes": LOG_BYTES,
        "logfile_backups": str(LOG_BACKUPS),
        "pidfile": _escape(str(settings.data_dir / "run" / "supervisord.pid")),
    }


def _program(settings: Settings, process: Process) -> dict[str, str]:
    values = {
        "command": _escape(shlex.join(_with_this_python(process.command))),
        "priority": "1" if process.name == "redis" else "20",
        "autorestart": "true",
        "startsecs": str(START_SECONDS),
        "startretries": str(START_TRIES),
        "stopsignal": "TERM",
        "stopwaitsecs": str(process.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _escape(str(log_file(settings, process.name))),
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": str(LOG_BACKUPS),
    }
    if process.environment:
        values["environment"] = ",".join(f'{name}="{value}"' for name, value in process.environment.items())
    return values


def _with_this_python(command: tuple[str, ...]) -> tuple[str, ...]:
    return (sys.executable, *command[1:]) if command[0] == "python" else command


def _escape(value: str) -> str:
    # The process manager expands %(name)s everywhere.
    return value.replace("%", "%%")
