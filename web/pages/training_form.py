"""The form that starts a training: presets, hyper-parameters, dataset, and what it will cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shared.datasets import reports
from shared.datasets import store as datasets
from shared.errors import DatasetBlockedError, NotFoundError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.models.forecast import Forecast, forecast
from shared.models.hyperparameters import PRESETS, HyperParameters
from shared.models.parameter_fields import ParametersError
from shared.tables import DatasetVersion, Job
from web.augmentation_preview import augmentation_sheet
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.parameter_form import FIELDS, groups, sent_values
from web.services import services
from web.training_submission import accept_training

DEFAULT_PRESET = "best"
# What decides how a photo is varied; the other values may still be wrong while somebody looks at it.
PREVIEW_FIELDS = ("seed", *(one.name for one in FIELDS if one.group == "Augmentation"))


@dataclass(frozen=True, slots=True)
class _Form:
    """The form as it is filled in."""

    values: dict[str, Any]
    dataset: DatasetVersion | None
    preset: str | None = None
    like: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    refusal: str | None = None


@blueprint.get("/trainings/new")
@page_login_required("admin")
def new_training() -> str:
    """The form, filled from a preset or an earlier training."""
    like = request.args.get("like")
    preset = request.args.get("preset", DEFAULT_PRESET)
    if preset not in PRESETS:
        raise NotFoundError(f"There is no preset called {preset[:40]!r}. Choose one on the form.")
    with services().database.read() as session:
        if like is not None:
            earlier = _training(session, like)
            values = HyperParameters.from_values(earlier.payload["parameters"]).flat()
            filled = _Form(values, _dataset(session, earlier.payload["dataset_version"]), like=like)
        else:
            values = PRESETS[preset].parameters.flat()
            filled = _Form(values, _dataset(session, request.args.get("dataset", type=int)), preset)
        return _page(session, filled)


@blueprint.post("/trainings/new")
@page_login_required("admin")
def start_training() -> Response | tuple[str, int] | str:
    """Start the training, or work out what it would cost when that is asked."""
    values, preset = sent_values(request.form), request.form.get("preset")
    number = request.form.get("dataset_version", type=int)
    if request.form.get("action") == "forecast":
        with services().database.read() as session:
            filled = _Form(values, _dataset(session, number), preset, errors=_errors(values))
            return _page(session, filled)
    try:
        parameters = HyperParameters.from_values(values)
        with services().database.write() as session:
            job_id = accept_training(session, identity().user.id, parameters, number).id
    except (ParametersError, DatasetBlockedError, NotFoundError) as error:
        with services().database.read() as session:
            wrong = _sentences(error) if isinstance(error, ParametersError) else {}
            refusal = None if wrong else error.message
            filled = _Form(values, _dataset(session, number), preset, None, wrong, refusal)
            return _page(session, filled), error.status
    services().queue.publish(JobKind.TRAIN, job_id)
    flash("The training was queued.", DONE)
    return redirect(url_for("pages.training", job_id=job_id), code=303)


@blueprint.get("/trainings/preview")
@page_login_required("admin")
def augmentation_preview() -> Response:
    """Twelve variations of a training photo, as a training with these values would see them."""
    values = sent_values(request.args)
    parameters = HyperParameters.from_values({name: values[name] for name in PREVIEW_FIELDS})
    return augmentation_sheet(parameters, request.args.get("dataset_version", type=int))


def _page(session: Session, filled: _Form) -> str:
    dataset = filled.dataset
    return render_template(
        "trainings/new.html",
        presets=PRESETS,
        preset=filled.preset,
        like=filled.like,
        groups=groups(filled.values, filled.errors),
        errors=filled.errors,
        refusal=filled.refusal,
        datasets=datasets.versions(session),
        dataset=dataset,
        report=reports.of(session, dataset) if dataset else None,
        cost=_cost(session, filled),
        preview=_preview(filled),
    )


def _cost(session: Session, filled: _Form) -> Forecast | None:
    """What it will take; unknown while a value cannot be used or there are no photos."""
    if filled.dataset is None or filled.errors:
        return None
    return forecast(session, HyperParameters.from_values(filled.values), filled.dataset)


def _preview(filled: _Form) -> dict[str, Any] | None:
    """What the picture of the preview is asked for with; None where photos are shown as they are."""
    wanted = {name: filled.values[name] for name in PREVIEW_FIELDS}
    if (
        filled.dataset is None
        or wanted["augmentation.mode"] == "none"
        or filled.errors.keys() & wanted.keys()
    ):
        return None
    sent = {name: value for name, value in wanted.items() if value is not False}
    return {"dataset_version": filled.dataset.number, **sent}


def _errors(values: dict[str, Any]) -> dict[str, str]:
    """A sentence for each field that cannot be used."""
    try:
        HyperParameters.from_values(values)
    except ParametersError as error:
        return _sentences(error)
    return {}


def _sentences(error: ParametersError) -> dict[str, str]:
    return {item["field"]: item["message"] for item in error.fields}


def _dataset(session: Session, number: int | None) -> DatasetVersion | None:
    """The dataset version that is chosen, else the newest; None when there is none at all."""
    found = datasets.versions(session)
    return next((version for version in found if version.number == number), found[0] if found else None)


def _training(session: Session, job_id: str) -> Job:
    job = store.find(session, job_id, identity().owner_filter)
    if job.kind is not JobKind.TRAIN:
        raise NotFoundError("There is no training with this id.")
    return job
