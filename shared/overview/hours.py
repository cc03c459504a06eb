"""Tallies of hours: kept for those that are over, counted anew for the rest.

A kept hour only saves counting it again. Maintenance counts every hour that is over, the last day of them
again with each new one, and those whose jobs have changed; deleting all rows has them counted again, oldest
first. Until an hour is kept, it and all later ones are counted from the jobs whenever somebody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import Database, insert_missing
from shared.overview import tally
from shared.overview.tally import HOUR, Tally, hour_of
from shared.tables import HourlyFigures

# As long as the longest window that pages show, and the day that aligning it to whole days adds.
KEPT = timedelta(days=32)
# Answers are committed within seconds; clocks of several machines differ by less than this.
SETTLED_AFTER = timedelta(minutes=5)
# Counted again with every new hour, so that what a clock that was set back ended is not missing for ever.
AGAIN = timedelta(days=1)
# Counted and written in one transaction: milliseconds, so that an upload on SQLite hardly waits.
CHUNK = 6


def between(session: Session, since: datetime, until: datetime) -> dict[datetime, Tally]:
    """The tallies of the hours from `since`, which begins one, to `until`; empty hours may be missing."""
    kept = session.execute(
        select(HourlyFigures.hour, HourlyFigures.figures)
        .where(HourlyFigures.hour >= since, HourlyFigures.hour < until)
        .order_by(HourlyFigures.hour)
    )
    found: dict[datetime, Tally] = {}
    reached = since
    for hour, figures in kept:
        if hour != reached:  # the hours before it are still to be counted, and this one with them
            break
        found[hour] = Tally.from_json(figures)
        reached = hour + HOUR
    return found | tally.count(session, reached, until)


def keep(database: Database) -> int:
    """Count the hours that are over and not kept, and drop old ones. Returns how many it counted."""
    now = utc_now()
    with database.read() as session:
        todo = _todo(session, now)
    for chunk in _chunks(todo):
        database.transact(partial(_keep, hours=chunk))
    database.transact(partial(_forget, before=hour_of(now - KEPT)))
    return len(todo)


def changed(session: Session, jobs: ColumnElement[bool]) -> None:
    """Have the hours in which these jobs ended counted again: they were changed after their end."""
    if hours := tally.hours_of(session, jobs):
        session.execute(update(HourlyFigures).where(HourlyFigures.hour.in_(hours)).values(stale=True))


def _todo(session: Session, now: datetime) -> list[datetime]:
    """The hours to count, oldest first."""
    end = hour_of(now - SETTLED_AFTER)
    first = hour_of(now - KEPT)
    hours = [first + HOUR * number for number in range((end - first) // HOUR)]
    kept = session.execute(select(HourlyFigures.hour, HourlyFigures.stale).where(HourlyFigures.hour >= first))
    stale: dict[datetime, bool] = dict(kept.all())
    again = end - AGAIN if hours[-1] not in stale else end
    return [hour for hour in hours if hour >= again or stale.get(hour, True)]


def _chunks(hours: Sequence[datetime]) -> list[list[datetime]]:
    """Hours that follow on each other, some at a time."""
    chunks: list[list[datetime]] = [[hour] for hour in hours[:1]]
    for before, hour in pairwise(hours):
        if hour - before == HOUR and len(chunks[-1]) < CHUNK:
            chunks[-1].append(hour)
        else:
            chunks.append([hour])
    return chunks


def _keep(session: Session, hours: Sequence[datetime]) -> None:
    """Count these hours and keep what was counted.

    Their rows are locked first: whoever changes jobs at this moment comes before the count, or marks the
    hours once more after it.
    """
    insert_missing(session, HourlyFigures, [{"hour": hour, "figures": {}} for hour in hours])
    session.execute(update(HourlyFigures).where(HourlyFigures.hour.in_(hours)).values(stale=False))
    counted = tally.count(session, hours[0], hours[-1] + HOUR)
    figures = [{"hour": hour, "figures": counted.get(hour, Tally()).as_json()} for hour in hours]
    session.execute(update(HourlyFigures), figures)


def _forget(session: Session, before: datetime) -> None:
    session.execute(delete(HourlyFigures).where(HourlyFigures.hour < before))
