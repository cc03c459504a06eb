"""The JSON API under /api/v1."""

from __future__ import annotations

from apiflask import APIFlask

from web.api import (
    account_data,
    audit,
    batches,
    classifications,
    datasets,
    failures,
    health,
    job_events,
    jobs,
    keys,
    listings,
    models,
    photos,
    queues,
    trainings,
    users,
)

MODULES = (
    account_data,
    audit,
    batches,
    classifications,
    datasets,
    failures,
    job_events,
    jobs,
    keys,
    listings,
    models,
    photos,
    queues,
    trainings,
    users,
    jobs,
    models,
    photos,
    queues,
    sweeps,
    trainings,
)


def register(app: APIFlask) -> None:
    """Add all API blueprints."""
    for module in MODULES:
    for module in (classifications, jobs, failures, queues, photos, models, trainings, sweeps, datasets):
        app.register_blueprint(module.blueprint, url_prefix="/api/v1")
    app.register_blueprint(health.blueprint)
