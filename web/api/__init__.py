"""The JSON API under /api/v1."""

from __future__ import annotations

from apiflask import APIFlask

from web.api import (
    account_data,
    batches,
    classifications,
    datasets,
    failures,
    health,
    jobs,
    models,
    photos,
    queues,
    trainings,
)


def register(app: APIFlask) -> None:
    """Add all API blueprints."""
    for module in (
        account_data,
        classifications,
        batches,
        jobs,
        failures,
        queues,
        photos,
        models,
        trainings,
        datasets,
    ):
        app.register_blueprint(module.blueprint, url_prefix="/api/v1")
    app.register_blueprint(health.blueprint)
