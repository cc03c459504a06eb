"""Where the log of `hangtag run` itself goes: all of it to a file, warnings to the terminal as well."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler

from rich.console import Console

from cli.start.supervisor_config import log_file
from shared.settings import Settings

LOG_BYTES = 10_000_000
QUIET_LOGGERS = ("alembic", "httpx", "httpcore")


class _Warnings(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(f"[yellow]![/] {record.getMessage()}")


def log_to(settings: Settings, console: Console) -> None:
    """Keep what the preparation logs; whatever falls back is seen on the terminal."""
    path = log_file(settings, "run")
    path.parent.mkdir(exist_ok=True)
    file = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[file, _Warnings(console)])
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
