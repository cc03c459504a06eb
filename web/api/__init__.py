"""The JSON API under /api/v1."""

from __future__ import annotations

from apiflask import APIFlask

from web.api import (
    audit,
    classifications,
    datasets,
    failures,
    health,
    jobs,
    keys,
    models,
    photos,
    queues,
    trainings,
    users,
)


def register(app: APIFlask) -> None:
    """Add all API blueprints."""
    for module in (classifications, jobs, failures, queues, photos, models, trainings, datasets, users, keys):
        app.register_blueprint(module.blueprint, url_prefix="/api/v1")
    app.register_blueprint(audit.blueprint, url_prefix="/api/v1")
    app.register_blueprint(health.blueprint)
