"""Failures by cause and the quarantine: looked at, tried again, discarded, released. For administrators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shared.clock import as_utc
from shared.database import Database
from shared.errors import NotFoundError, ValidationError
from shared.jobs import failures, store
from shared.jobs.failures import Cause, Dealt, Selection
from shared.jobs.states import Handling, JobKind, JobState
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.failure_rows import (
    QuarantineCard,
    discarded_sentence,
    group_row,
    quarantine_card,
    retried_sentence,
)
from web.pages.reading import jobs_of, photos_of
from web.pages.returning import back
from web.services import services

# A page's worth; with more causes than this, whole codes are dealt with by API or command line.
GROUPS_PER_PAGE = 50
QUARANTINED_PER_PAGE = 24

Deed = Callable[[Database, Selection], Dealt]


@blueprint.get("/jobs/failures")
@page_login_required("admin")
def failure_groups() -> str:
    """What failed and nobody has dealt with, by cause; and what is in quarantine."""
    cursor = request.args.get("cursor")
    with services().database.read() as session:
        found = failures.groups(session, GROUPS_PER_PAGE + 1)
        samples = jobs_of(session, (group.sample_id for group in found))
        count = failures.count_open(session)
        cards, next_cursor = _quarantine(session, cursor)
    return render_template(
        "jobs/failures.html",
        groups=[group_row(group, samples) for group in found[:GROUPS_PER_PAGE]],
        more=len(found) > GROUPS_PER_PAGE,
        count=count,
        quarantine=cards,
        cursor=cursor,
        next_cursor=next_cursor,
    )


@blueprint.get("/jobs/failures/retry")
@page_login_required("admin")
def confirm_retry_group() -> str:
    """Name what will happen to a group that is tried again."""
    return _confirm("retry")


@blueprint.post("/jobs/failures/retry")
@page_login_required("admin")
def retry_group() -> Response:
    """Queue a new job for each failure of a group."""
    return _deal(failures.retry_all, retried_sentence)


@blueprint.get("/jobs/failures/discard")
@page_login_required("admin")
def confirm_discard_group() -> str:
    """Name what will happen to a group that is discarded."""
    return _confirm("discard")


@blueprint.post("/jobs/failures/discard")
@page_login_required("admin")
def discard_group() -> Response:
    """Note of each failure of a group that it needs nothing more."""
    return _deal(failures.discard_all, discarded_sentence)


@blueprint.post("/jobs/<job_id>/release")
@page_login_required("admin")
def release(job_id: str) -> Response:
    """Let a new job try what is in quarantine."""
    with services().database.write() as session:
        again = failures.release(session, job_id, identity().user.name)
    services().queue.publish(again.kind, again.id)
    flash("It is released: a new job tries it again.", DONE)
    return back(url_for("pages.job", job_id=again.id))


@blueprint.post("/jobs/<job_id>/discard")
@page_login_required("admin")
def discard(job_id: str) -> Response:
    """Note of one failure that it needs nothing more."""
    with services().database.write() as session:
        failures.discard(session, job_id, identity().user.name)
    flash("It is discarded and leaves the list of failures. You can still try it again.", DONE)
    return back(url_for("pages.job", job_id=job_id))


def _quarantine(session: Session, cursor: str | None) -> tuple[list[QuarantineCard], str | None]:
    page = store.page(
        session,
        state=JobState.QUARANTINED,
        handled=Handling.OPEN,
        cursor=cursor,
        limit=QUARANTINED_PER_PAGE,
    )
    photos, runs = photos_of(session, page.items), failures.attempts_of(session, page.items)
    cards = [quarantine_card(job, photos.get(job.photo_id or ""), runs[job.id]) for job in page.items]
    return cards, page.next_cursor


def _confirm(deed: Literal["retry", "discard"]) -> str:
    with services().database.read() as session:
        found = failures.group(session, _cause())
        samples = jobs_of(session, [found.sample_id] if found else [])
    group = group_row(found, samples) if found else None
    until = failures.horizon(found).isoformat()
    return render_template("jobs/confirm_group.html", deed=deed, group=group, until=until)


def _deal(deed: Deed, sentence: Callable[[JobKind, Dealt], str]) -> Response:
    selection = Selection(_cause(), identity().user.name, _until())
    flash(sentence(selection.cause.kind, deed(services().database, selection)), DONE)
    return redirect(url_for("pages.failure_groups"), code=303)


def _cause() -> Cause:
    """What the address names. It stands there, and not in the form, because forms change line ends.

    Raises:
        NotFoundError: it names no kind of job, or no error code.
    """
    kind, code = request.args.get("kind", ""), request.args.get("error_code", "")
    if kind not in list(JobKind) or not code:
        raise NotFoundError("This address names no group of failures.")
    return Cause(JobKind(kind), code, request.args.get("message"))


def _until() -> datetime:
    """When the form was made: what failed since then was not in the number it named.

    Raises:
        ValidationError: that is no moment.
    """
    try:
        return as_utc(datetime.fromisoformat(request.form.get("until", "")))
    except ValueError as error:
        raise ValidationError(
            "This form is incomplete. Please go back to the failures and open it again."
        ) from error
