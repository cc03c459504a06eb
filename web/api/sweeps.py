"""Sweeps: start one, watch its trials."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared.models.hyperparameters import HyperParameters
from shared.models.parameter_fields import ParametersError
from shared.sweeps import store as sweeps
from shared.sweeps.plan import SWEEP_PRESETS, SweepPlan
from web.api.answers import polled, problems
from web.api.queued import queue_once
from web.api.schemas import JobAnswer
from web.api.sweep_schemas import SweepIn, SweepOut
from web.auth import identity, require
from web.idempotency import PARAMETER, fingerprint
from web.services import services
from web.training_submission import accept_sweep

blueprint = APIBlueprint("sweeps", __name__, tag="Trainings")


@blueprint.post("/sweeps")
@require("train")
@blueprint.input(SweepIn)
@blueprint.output(JobAnswer, 202)
@blueprint.doc(
    summary="Start a sweep",
    description="Many trainings on features that are computed once. The best trial by its validation photos "
    "becomes a model version; the test photos are looked at for that one alone.",
    responses=problems(400, 404, 409, 422),
    extensions={"x-parameters": [PARAMETER]},
)
def create(json_data: SweepIn) -> Response:
    """Queue a sweep; its result names the version of the best trial."""
    trials, plan = wanted_trials(json_data)
    person, number, every = identity().user.id, json_data.dataset_version, json_data.register_all
    return queue_once(
        fingerprint(json_data.model_dump_json().encode()),
        lambda session: accept_sweep(session, person, trials, plan, number, register_all=every),
        "sweeps",
    )


@blueprint.get("/sweeps/<job_id>")
@require("read")
@blueprint.output(SweepOut)
@blueprint.doc(summary="Look at a sweep and its trials", responses=problems(404))
def show(job_id: str) -> Response:
    """The sweep's job and its trials, the best first."""
    with services().database.read() as session:
        job = sweeps.find(session, job_id, identity().owner_filter)
        found = SweepOut.of(job, sweeps.trials(session, job.id))
    return polled(found)


def wanted_trials(wanted: SweepIn) -> tuple[list[HyperParameters], SweepPlan | None]:
    """The trials of a request, and how they compete.

    Raises:
        ParametersError: it names neither preset nor plan, both, or values that cannot be used.
        ValidationError: there are too many trials, or some that a sweep cannot run.
    """
    if (wanted.preset is None) == (wanted.plan is None):
        raise _wrong("preset", "Send either the preset of a published sweep or a plan of your own.")
    if wanted.plan is not None:
        base = dict(wanted.base)
        shared = HyperParameters.from_preset(str(base.pop("preset", "best")), **base)
        return wanted.plan.trials(shared), wanted.plan
    published = SWEEP_PRESETS.get(wanted.preset or "")
    if published is None:
        names = ", ".join(SWEEP_PRESETS)
        raise _wrong("preset", f"There is no sweep called {wanted.preset!r}. Choose one of {names}.")
    if wanted.base:
        raise _wrong("base", "A published sweep stays as published. Send a plan to vary something else.")
    return list(published.trials), None


def _wrong(field: str, sentence: str) -> ParametersError:
    return ParametersError([{"field": field, "message": sentence}])
