"""Structured logs with the job, attempt and request they belong to."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from shared.settings import Settings

# Their INFO lines repeat what ours say.
QUIET_LOGGERS = ("alembic", "httpx", "urllib3", "kombu", "celery.redirected")


# What all lines about one attempt at a job say.
SHARED_BY_A_JOB = ("job_id", "attempt", "logger")


def configure_logging(settings: Settings) -> None:
    """Send structlog and standard logging to stderr in the format the settings name."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=_output(settings), foreign_pre_chain=shared)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def short_lines() -> logging.Formatter:
    """Formats records for people who know already which job and attempt they are about."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _short_line],
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
    )


def _short_line(_logger: object, _method: str, event: EventDict) -> str:
    """Time of day in UTC, level, event and what was said with it, then the trace of an exception."""
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(None, "", event)
    trace = str(event.pop("exception", ""))
    moment, level = str(event.pop("timestamp", ""))[11:19], event.pop("level", "")
    text = " ".join(
        [moment, str(level), str(event.pop("event", ""))]
        + [f"{name}={value}" for name, value in event.items() if name not in SHARED_BY_A_JOB]
    )
    return f"{text}\n{trace}" if trace else text


def _output(settings: Settings) -> list[Processor]:
    keep = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    # Local variables hold keys and other people's data: tracebacks are written without them.
    if settings.log_format == "json":
        traces = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        return [keep, traces, structlog.processors.JSONRenderer()]
    return [
        keep,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]
