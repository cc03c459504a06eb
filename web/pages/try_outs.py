"""The untouched ImageNet network, and any version tried on a photo beside the champion."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shared.clock import utc_now
from shared.errors import FileMissingError, NotFoundError, PermanentError
from shared.jobs import store
from shared.jobs.states import ACTIVE, JobKind
from shared.models import diagnostic, registry
from shared.tables import Job, ModelVersion
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.job_rows import job_row
from web.pages.present.try_views import told_answers
from web.services import services
from web.submission import accept_try, prepare_photo, wake


@blueprint.get("/versions/imagenet")
@page_login_required("reviewer")
def imagenet() -> str:
    """What the untouched network is good for, how to bring it in, and how far that is."""
    with services().database.read() as session:
        version = diagnostic.version(session)
        job = diagnostic.latest_job(session)
        champion = registry.champion(session)
    return render_template(
        "try_outs/imagenet.html",
        version=version,
        champion=champion,
        job=job_row(job, None, utc_now()) if job else None,
        folder=services().settings.imagenet_dir,
    )


@blueprint.post("/versions/imagenet")
@page_login_required("admin")
def bring_in_imagenet() -> Response:
    """Have a worker bring it in."""
    with services().database.write() as session:
        job = diagnostic.request(session, identity().user.id)
    wake(services(), job)
    flash("A worker was asked to bring the untouched network in.", DONE)
    return redirect(url_for("pages.imagenet"), code=303)


@blueprint.get("/versions/<int:number>/try")
@page_login_required("reviewer")
def try_version(number: int) -> str:
    """The form that takes a photo."""
    with services().database.read() as session:
        return _page(session, registry.find(session, number))


@blueprint.post("/versions/<int:number>/try")
@page_login_required("reviewer")
def start_try(number: int) -> Response | tuple[str, int]:
    """Store the photo as the person's own, and have the version and the champion answer it."""
    upload = request.files.get("photo")
    with services().database.read() as session:
        version = registry.find(session, number)
    try:
        if upload is None or not upload.filename:
            raise FileMissingError("You have not chosen a photo yet. Choose one, then try it.")
        prepared = prepare_photo(services(), upload.read())
        with services().database.write() as session:
            job = accept_try(session, identity().user.id, prepared, upload.filename, number)
    except PermanentError as error:
        with services().database.read() as session:
            return _page(session, version, error=error.message), error.status
    wake(services(), job)
    return redirect(url_for("pages.tried", number=number, job_id=job.id), code=303)


@blueprint.get("/versions/<int:number>/tries/<job_id>")
@page_login_required("reviewer")
def tried(number: int, job_id: str) -> str:
    """What the versions answered for the photo, side by side."""
    with services().database.read() as session:
        job = store.find(session, job_id, identity().owner_filter)
        if job.kind is not JobKind.TRY or number not in job.payload["versions"]:
            raise NotFoundError("There is no such try-out of this version.")
        return _page(session, registry.find(session, number), job)


def _page(session: Session, version: ModelVersion, job: Job | None = None, error: str | None = None) -> str:
    champion = registry.champion(session)
    return render_template(
        "try_outs/try.html",
        version=version,
        champion=champion,
        job=job,
        row=job_row(job, None, utc_now()) if job else None,
        live=job is not None and job.state in ACTIVE,
        answers=told_answers(session, job) if job else [],
        error=error,
    )
