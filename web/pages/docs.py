"""The API, readable: rendered from the same OpenAPI document that programs get, a page per group."""

from __future__ import annotations

from typing import Any, cast

from flask import current_app, render_template, request

from shared.errors import NotFoundError
from web.pages import blueprint
from web.pages.present.api_reference import api_reference

OBJECTS = "objects"


@blueprint.get("/api/docs")
def api_docs() -> str:
    """What there is, how to begin, and the errors any operation may answer with."""
    return _page(None)


@blueprint.get("/api/docs/<part>")
def api_docs_part(part: str) -> str:
    """The operations of one group, or the objects they take and answer."""
    return _page(part)


def _page(part: str | None) -> str:
    spec = cast("dict[str, Any]", cast("Any", current_app).spec)
    reference = api_reference(spec, request.url_root.rstrip("/"))
    group = next((group for group in reference.groups if group.id == part), None)
    if part not in (None, OBJECTS) and group is None:
        raise NotFoundError
    return render_template("docs/index.html", reference=reference, group=group, objects=part == OBJECTS)
