"""Sweeps: many trainings at once, as a form, a list and a ranked table."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from shared.clock import utc_now
from shared.datasets import store as datasets
from shared.errors import DatasetBlockedError, NotFoundError, ValidationError
from shared.jobs import handling, log, store
from shared.jobs.states import JobKind, Split
from shared.models.hyperparameters import PRESETS, HyperParameters
from shared.models.parameter_fields import ParametersError
from shared.sweeps import store as sweeps
from shared.sweeps.plan import SWEEP_PRESETS, SweepPlan
from shared.tables import Job
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.job_rows import attempt_row, job_row, may_cancel, may_retry
from web.pages.present.parameter_form import FIELDS
from web.pages.present.sweep_form import SweepFields, plan_of, sweep_fields
from web.pages.present.sweep_views import luck, sweep_row, sweep_view
from web.services import services
from web.training_submission import accept_sweep

SWEEPS_PER_PAGE = 30


@blueprint.get("/trainings/sweeps")
@page_login_required("admin")
def all_sweeps() -> str:
    """All sweeps, newest first."""
    cursor = request.args.get("cursor")
    now = utc_now()
    with services().database.read() as session:
        page = store.page(session, kind=JobKind.SWEEP, cursor=cursor, limit=SWEEPS_PER_PAGE)
        trained = sweeps.trained(session, [job.id for job in page.items])
    rows = [sweep_row(job, trained.get(job.id, 0), now) for job in page.items]
    return render_template("sweeps/index.html", rows=rows, cursor=cursor, next_cursor=page.next_cursor)


@blueprint.get("/trainings/sweeps/new")
@page_login_required("admin")
def new_sweep() -> str:
    """Published sweeps, and a plan of one's own."""
    return _form_page(sweep_fields(MultiDict()))


@blueprint.post("/trainings/sweeps/new")
@page_login_required("admin")
def start_sweep() -> Response | tuple[str, int]:
    """Start a published sweep or one's own."""
    fields = sweep_fields(request.form)
    number = request.form.get("dataset_version", type=int)
    try:
        trials, plan = _trials(request.form.get("published"), fields)
        with services().database.write() as session:
            owner, register_all = identity().user.id, fields.register_all
            job_id = accept_sweep(session, owner, trials, plan, number, register_all=register_all).id
    except (ValidationError, DatasetBlockedError, NotFoundError) as error:
        return _form_page(fields, error.message), error.status
    services().queue.publish(JobKind.SWEEP, job_id)
    flash(f"A sweep of {len(trials)} trials was queued.", DONE)
    return redirect(url_for("pages.sweep", job_id=job_id), code=303)


@blueprint.get("/trainings/sweeps/<job_id>")
@page_login_required("admin")
def sweep(job_id: str) -> str:
    """One sweep: its trials by rank, the curves of the best, and how much luck is in the winner."""
    now = utc_now()
    with services().database.read() as session:
        job = sweeps.find(session, job_id, identity().owner_filter)
        view = sweep_view(job, sweeps.trials(session, job_id))
        photos = _validation_photos(session, job)
        attempts = store.attempts(session, job_id)
        lines = log.lines(session, job_id)
    best = next((row.accuracy for row in view.rows if row.accuracy is not None), None)
    return render_template(
        "sweeps/sweep.html",
        job=job,
        row=job_row(job, None, now),
        view=view,
        photos=photos,
        luck=luck(view.done, photos, best) if best is not None else None,
        lines=lines,
        attempts=[attempt_row(attempt, now) for attempt in attempts],
        may_cancel=may_cancel(job),
        may_retry=may_retry(job, operator=True),
        handling=handling.of(job),
    )


def _form_page(fields: SweepFields, error: str | None = None) -> str:
    with services().database.read() as session:
        versions = datasets.versions(session)
    return render_template(
        "sweeps/new.html",
        published=SWEEP_PRESETS,
        presets=PRESETS,
        parameters=FIELDS,
        plan=SweepPlan.model_fields,
        fields=fields,
        datasets=versions,
        error=error,
    )


def _trials(published: str | None, fields: SweepFields) -> tuple[list[HyperParameters], SweepPlan | None]:
    """The trials that the form asks for, and how they compete.

    Raises:
        ValidationError: a value cannot be used, or there are too many trials.
    """
    if published:
        if published not in SWEEP_PRESETS:
            raise ValidationError(f"There is no sweep called {published[:40]!r}.")
        return list(SWEEP_PRESETS[published].trials), None
    if fields.base not in PRESETS:
        raise ParametersError([{"field": "base", "message": f"There is no preset called {fields.base!r}."}])
    plan = plan_of(fields)
    return plan.trials(PRESETS[fields.base].parameters), plan


def _validation_photos(session: Session, job: Job) -> int:
    dataset = datasets.find(session, job.payload["dataset_version"])
    return sum(dataset.counts.get(Split.VALIDATION.value, {}).values())
