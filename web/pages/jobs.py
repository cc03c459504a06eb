"""The queue as people see it: what waits, runs, failed and was done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shared.clock import rfc3339, utc_now
from shared.errors import NotFoundError
from shared.jobs import failures, figures, handling, store
from shared.jobs.handling import FAILURES
from shared.jobs.outcome import Outcome
from shared.jobs.states import Handling, JobKind, JobState
from shared.listings import store as listings
from shared.photos import predictions
from web.auth import identity, page_login_required, require_say_in
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.failure_rows import HANDLING_WORDS
from web.pages.present.job_rows import attempt_row, job_row, may_cancel, may_retry, outcome_sentence
from web.pages.present.listing_views import taken_out_sentence
from web.pages.present.photo_cards import photo_card
from web.pages.present.queue_rows import QueueRow, WorkerRow, queue_row, worker_rows, workers_summary
from web.pages.present.why_views import why_views
from web.pages.present.words import KIND_WORDS, state_words
from web.pages.reading import batch_names, database_integer, moment_in_address, photos_of
from web.pages.returning import back
from web.retrying import try_again
from web.services import services

JOBS_PER_PAGE = 50
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Operating:
    """What only an operator sees on the list of jobs."""

    queues: list[QueueRow]
    workers: list[WorkerRow]
    workers_summary: str
    open_failures: int
    error_codes: list[str]

    @property
    def busy(self) -> bool:
        """Whether anything waits or runs."""
        return any(queue.busy for queue in self.queues)


@blueprint.get("/jobs")
@page_login_required()
def jobs() -> str:
    """The jobs a person may see, newest first."""
    chosen = _filters()
    cursor = request.args.get("cursor")
    with services().database.read() as session:
        owner_id = identity().owner_filter
        page = store.page(session, owner_id=owner_id, cursor=cursor, limit=JOBS_PER_PAGE, **chosen)
        photos, names = photos_of(session, page.items), batch_names(session, page.items)
        operating = _operating(session) if owner_id is None else None
    now = utc_now()
    return render_template(
        "jobs/index.html",
        rows=[
            job_row(
                job,
                photos.get(job.photo_id or ""),
                now,
                operator=operating is not None,
                batch_name=names.get(job.id, ""),
            )
            for job in page.items
        ],
        states=state_words(operator=operating is not None),
        kinds=KIND_WORDS,
        handlings=HANDLING_WORDS,
        failed_states=FAILURES,
        chosen=chosen,
        query=_query(chosen),
        narrowed=outcome_sentence(chosen["outcome"]),
        cursor=cursor,
        next_cursor=page.next_cursor,
        operating=operating,
        error_codes=_named(operating.error_codes if operating else [], chosen["error_code"]),
    )


@blueprint.get("/jobs/<job_id>")
@page_login_required()
def job(job_id: str) -> str | Response:
    """One job: how it stands, how it got there, what came out. Trainings and sweeps have other pages."""
    with services().database.read() as session:
        found = store.find(session, job_id, identity().owner_filter)
        if found.kind is JobKind.TRAIN and identity().user.role == "admin":
            return redirect(url_for("pages.training", job_id=job_id))
        if found.kind is JobKind.SWEEP and identity().user.role == "admin":
            return redirect(url_for("pages.sweep", job_id=job_id))
        photo = photos_of(session, [found]).get(found.photo_id or "")
        attempts = store.attempts(session, job_id)
        answers = predictions.of_jobs(session, [found])
        shown_in = listings.showing(session, photo.id) if photo else []
        path = batch_names(session, [found]).get(job_id, "") if photo else ""
    operator = identity().owner_filter is None
    now = utc_now()
    return render_template(
        "jobs/job.html",
        job=found,
        row=job_row(found, photo, now, operator=operator),
        operator=operator,
        card=photo_card(found, photo) if found.kind is JobKind.CLASSIFY else None,
        why=why_views([photo] if photo else [], answers.values()),
        attempts=[attempt_row(attempt, now) for attempt in attempts],
        may_cancel=may_cancel(found),
        may_retry=may_retry(found, operator=operator),
        handling=handling.of(found) if operator else None,
        taken_out=taken_out_sentence(shown_in),
        batch=request.args.get("batch"),
        path=path if "/" in path else "",
    )


@blueprint.post("/jobs/<job_id>/cancel")
@page_login_required()
def cancel(job_id: str) -> Response:
    """Ask a job to stop."""
    with services().database.write() as session:
        owner_id = identity().owner_filter
        require_say_in(store.find(session, job_id, owner_id))
        found = store.request_cancel(session, job_id, owner_id)
    waiting = found.state is not JobState.CANCELLED
    flash("It stops at its next step." if waiting else "It is cancelled.", DONE)
    return back(url_for("pages.job", job_id=job_id))


@blueprint.post("/jobs/<job_id>/retry")
@page_login_required()
def retry(job_id: str) -> Response:
    """Queue the same task again, as a new job."""
    with services().database.write() as session:
        again = try_again(session, job_id)
    services().queue.publish(again.kind, again.id)
    flash("It is tried again.", DONE)
    return back(url_for("pages.job", job_id=again.id))


def _operating(session: Session) -> Operating:
    now = utc_now()
    workers = worker_rows(figures.workers(session), now)
    return Operating(
        queues=[queue_row(queue, now) for queue in figures.queues(session)],
        workers=workers,
        workers_summary=workers_summary(workers),
        open_failures=failures.count_open(session),
        error_codes=failures.codes(session),
    )


def _named(codes: list[str], chosen: str | None) -> dict[str, str]:
    """Error codes to choose from, by themselves; the one in the address is there even if no job has it."""
    return {code: code for code in dict.fromkeys([*codes, *([chosen] if chosen else [])])}


def _filters() -> dict[str, Any]:
    """What the address asks for.

    Raises:
        NotFoundError: it names a state, kind or handling we do not have.
    """
    return {
        "state": _chosen(JobState, "state"),
        "kind": _chosen(JobKind, "kind"),
        "error_code": request.args.get("error_code") or None,
        "handled": _chosen(Handling, "handled"),
        "outcome": Outcome(
            ended_from=moment_in_address("ended_from"),
            ended_before=moment_in_address("ended_before"),
            category=request.args.get("category") or None,
            decision=request.args.get("decision") or None,
            model_version=request.args.get("model_version", type=database_integer),
        ),
    }


def _query(chosen: dict[str, Any]) -> dict[str, Any]:
    """The filters as an address names them."""
    outcome = asdict(chosen["outcome"])
    values = {**{name: value for name, value in chosen.items() if name != "outcome"}, **outcome}
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _chosen(choices: type[Choice], name: str) -> Choice | None:
    """The filter in the address.

    Raises:
        NotFoundError: it names nothing we have.
    """
    value = request.args.get(name)
    if not value:
        return None
    try:
        return choices(value)
    except ValueError as error:
        raise NotFoundError(f"There are no jobs with the {name} {value[:40]!r}.") from error
