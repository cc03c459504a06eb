"""The API, readable: rendered from the same OpenAPI document that programs get."""

from __future__ import annotations

from typing import Any, cast

from flask import current_app, render_template, request

from web.pages import blueprint
from web.pages.present.api_reference import api_reference


@blueprint.get("/api/docs")
def api_docs() -> str:
    """All operations of the API with what they take and answer."""
    spec = cast("dict[str, Any]", cast("Any", current_app).spec)
    return render_template("docs/index.html", reference=api_reference(spec, request.url_root.rstrip("/")))
