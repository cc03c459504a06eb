"""The JSON API under /api/v1."""

from __future__ import annotations

from apiflask import APIFlask

from web.api import (
    classifications,
    datasets,
    failures,
    health,
    job_events,
    jobs,
    listings,
    models,
    photos,
    queues,
    trainings,
)

MODULES = (
    classifications,
    datasets,
    failures,
    jobs,
    listings,
    models,
    photos,
    queues,
    trainings,
)


def register(app: APIFlask) -> None:
    """Add all API blueprints."""
    for module in MODULES:
    for module in (
        classifications,
        listings,
        jobs,
        job_events,
        failures,
        queues,
        photos,
        models,
        trainings,
        datasets,
    ):
        app.register_blueprint(module.blueprint, url_prefix="/api/v1")
    app.register_blueprint(health.blueprint)
