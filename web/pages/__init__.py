"""The pages: server-rendered, complete without JavaScript, better with it."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Flask

blueprint = APIBlueprint("pages", __name__, enable_openapi=False)


def register(app: Flask) -> None:
    """Add all pages, and what their templates need, to an application."""
    from web.pages import (  # noqa: F401, PLC0415 - they add views
        account,
        audit,
        batches,
        champion,
        compare,
        context,
        dataset_pictures,
        datasets,
        docs,
        failures,
        jobs,
        listings,
        overview,
        people,
        review,
        reviewed,
        sell,
        sign_in,
        sweeps,
        training_form,
        trainings,
        try_outs,
        version_photo,
        versions,
        webhooks,
        your_data,
    )

    context.register(app)
    app.register_blueprint(blueprint)
