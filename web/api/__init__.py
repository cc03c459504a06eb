"""The JSON API under /api/v1."""

from __future__ import annotations

from apiflask import APIFlask

from web.api import (
    account_data,
    aliases,
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
    overview,
    photos,
    queues,
    sweeps,
    trainings,
    try_outs,
    users,
    webhooks,
    why,
)

MODULES = (
    account_data,
    aliases,
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
    overview,
    photos,
    queues,
    sweeps,
    trainings,
    try_outs,
    users,
    webhooks,
    why,
)


def register(app: APIFlask) -> None:
    """Add all API blueprints."""
    for module in MODULES:
        app.register_blueprint(module.blueprint, url_prefix="/api/v1")
    app.register_blueprint(health.blueprint)
