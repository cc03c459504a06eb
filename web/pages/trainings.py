"""Trainings: the list of runs, and one run as it goes."""

from __future__ import annotations

from flask import render_template, request
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.datasets import store as datasets
from shared.errors import NotFoundError
from shared.jobs import handling, log, store
from shared.jobs.epochs import best_accuracies, epochs_of
from shared.jobs.states import JobKind
from shared.models import registry
from shared.models.evaluation import evaluation
from shared.tables import Job, WorkerHeartbeat
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.present.job_rows import attempt_row, job_row, may_cancel, may_retry
from web.pages.present.parameter_facts import parameter_facts
from web.pages.present.run_views import run_facts, run_row, stop_sentence
from web.pages.present.training_charts import training_charts
from web.services import services

RUNS_PER_PAGE = 30


@blueprint.get("/trainings")
@page_login_required("admin")
def trainings() -> str:
    """All runs, newest first."""
    cursor = request.args.get("cursor")
    now = utc_now()
    with services().database.read() as session:
        page = store.page(session, kind=JobKind.TRAIN, cursor=cursor, limit=RUNS_PER_PAGE)
        best = best_accuracies(session, [job.id for job in page.items])
        rows = [run_row(job, best.get(job.id), now) for job in page.items]
        any_data = bool(datasets.versions(session))
    return render_template(
        "trainings/index.html", rows=rows, any_data=any_data, cursor=cursor, next_cursor=page.next_cursor
    )


@blueprint.get("/trainings/<job_id>")
@page_login_required("admin")
def training(job_id: str) -> str:
    """One run: stage, curves with the champion's line, attempts, why it ended, what came out."""
    now = utc_now()
    with services().database.read() as session:
        job = store.find(session, job_id, identity().owner_filter)
        if job.kind is not JobKind.TRAIN:
            raise NotFoundError("There is no training with this id.")
        epochs = epochs_of(session, job_id)
        attempts = store.attempts(session, job_id)
        level, left_out = _champion_level(session, job)
        worker = session.get(WorkerHeartbeat, job.lease_owner) if job.lease_owner else None
        lines = log.lines(session, job_id)
        facts = run_facts(job, epochs, worker, _made(session, job))
    return render_template(
        "trainings/training.html",
        job=job,
        row=job_row(job, None, now),
        facts=facts,
        parameters=parameter_facts(job.payload.get("parameters", {})),
        stopped=stop_sentence(job),
        epochs=epochs,
        charts=training_charts(epochs, level),
        level_left_out=left_out,
        lines=lines,
        attempts=[attempt_row(attempt, now) for attempt in attempts],
        may_cancel=may_cancel(job),
        may_retry=may_retry(job, operator=True),
        handling=handling.of(job),
    )


def _champion_level(session: Session, job: Job) -> tuple[tuple[str, float] | None, int | None]:
    """The champion's accuracy on the same validation photos; else the champion whose line is left out."""
    champion = registry.champion(session)
    figures = evaluation(champion, "validation") if champion else None
    number = job.payload.get("dataset_version")
    if champion is None or figures is None or number is None:
        return None, None
    dataset = datasets.find(session, number)
    if champion.lineage.get("dataset_digest") != dataset.digest:
        return None, champion.number
    return (f"Champion, version {champion.number}", figures.accuracy), None


def _made(session: Session, job: Job) -> dict[str, object]:
    """What the version that came out was measured with."""
    number = (job.result or {}).get("model_version")
    return dict(registry.find(session, number).metrics.get("speed") or {}) if number else {}
