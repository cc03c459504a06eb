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

# In the order of the reference: photos and what becomes of them, then what is for administrators.
MODULES = (
    classifications,
    jobs,
    job_events,
    why,
    batches,
    listings,
    photos,
    webhooks,
    account_data,
    datasets,
    trainings,
    sweeps,
    models,
    aliases,
    try_outs,
    overview,
    queues,
    failures,
    users,
    keys,
    audit,
    health,
)


def register(app: APIFlask) -> None:
    """Add all API blueprints."""
    for module in MODULES:
        app.register_blueprint(module.blueprint, url_prefix="/api/v1" if module is not health else None)
