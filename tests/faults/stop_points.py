"""`gunicorn tests.faults.stop_points:before_commit()`: web servers that die at one point of an upload."""

from __future__ import annotations

import os
import signal

from apiflask import APIFlask
from sqlalchemy import event
from sqlalchemy.orm import Session

from shared.jobs.states import JobKind
from shared.settings import load_settings
from shared.tables import Job
from web.app import create_app

MARK = "writes a job"


class DeadlyQueue:
    """Kills the process that publishes."""

    def publish(self, _kind: JobKind, _job_id: str) -> bool:
        """Die as on a kill -9 between commit and publish."""
        os.kill(os.getpid(), signal.SIGKILL)
        return False


def before_publish() -> APIFlask:
    """A server that dies between the commit of a job and its wake-up."""
    return create_app(load_settings(), queue=DeadlyQueue())


def before_commit() -> APIFlask:
    """A server that dies between the picture in the store and the commit of its rows."""
    event.listen(Session, "after_flush", _mark)
    event.listen(Session, "before_commit", _die_if_marked)
    return create_app(load_settings(), queue=DeadlyQueue())


def _mark(session: Session, _context: object) -> None:
    if any(isinstance(row, Job) for row in session.new):
        session.info[MARK] = True


def _die_if_marked(session: Session) -> None:
    if MARK in session.info:
        os.kill(os.getpid(), signal.SIGKILL)
