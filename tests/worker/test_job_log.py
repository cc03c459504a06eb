"""The last lines of the log, kept with the job they are about."""

from __future__ import annotations

import logging

import pytest
import structlog

from shared.database import Database
from shared.jobs import log, store
from shared.jobs.states import JobKind
from shared.tables import Job
from tests.factories import add_job
from tests.processes import wait_until
from worker.job_log import JobLogTail


@pytest.fixture
def job(database: Database) -> Job:
    """A training that runs."""
    waiting = add_job(database, JobKind.TRAIN)
    with database.write() as session:
        (claimed,) = store.claim(session, JobKind.TRAIN, "w", 1, waiting.id)
    return claimed


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> structlog.typing.FilteringBoundLogger:
    """A logger as `configure_logging` makes them."""
    caplog.set_level(logging.INFO)
    # Servers that other tests run in this process may still answer somebody.
    caplog.set_level(logging.WARNING, logger="werkzeug")
    made: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        logging.getLogger("worker.test"),
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
    )
    return made


def lines(database: Database, job: Job) -> list[str]:
    with database.read() as session:
        return log.lines(session, job.id)


def test_lines_are_there_while_the_job_runs_and_go_on_at_its_next_attempt(
    database: Database, job: Job, told: structlog.typing.FilteringBoundLogger
) -> None:
    told.info("before")
    with JobLogTail(database, job.id, 1):
        told.info("epoch_done", job_id=job.id, attempt=1, epoch=3)
        wait_until(lambda: bool(lines(database, job)), 30, "the line is kept")
        (line,) = lines(database, job)
        assert line[8:] == " info epoch_done epoch=3"
        logging.getLogger("keras").warning("%d photos are odd", 2)
        try:
            raise ValueError("a number is missing")
        except ValueError:
            told.exception("training_failed")
    told.info("after")
    kept = lines(database, job)
    assert kept[1].endswith("warning 2 photos are odd")
    assert kept[2].endswith("error training_failed")
    assert kept[-1] == "ValueError: a number is missing"
    with JobLogTail(database, job.id, 1):
        told.info("again")
    assert lines(database, job)[:-1] == kept


def test_they_are_few_and_short(
    database: Database, job: Job, told: structlog.typing.FilteringBoundLogger
) -> None:
    with JobLogTail(database, job.id, 1):
        for number in range(3 * log.MAX_LINES):
            told.info(f"{number} " + "x" * 10_000)
    kept = lines(database, job)
    assert len(kept) == log.MAX_LINES
    assert max(map(len, kept)) == log.MAX_LINE_CHARACTERS
    assert kept[-1].split()[2] == str(3 * log.MAX_LINES - 1)


def test_an_attempt_that_was_overtaken_writes_nothing(
    database: Database, job: Job, told: structlog.typing.FilteringBoundLogger
) -> None:
    with JobLogTail(database, job.id, job.attempt - 1):
        told.info("too late")
    assert lines(database, job) == []
