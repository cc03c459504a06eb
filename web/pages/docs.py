"""The API, readable: rendered from the same OpenAPI document that programs get, a page per group."""

from __future__ import annotations

from typing import Any, cast

from flask import current_app, render_template, request

from shared.errors import NotFoundError
from web.pages import blueprint
from web.pages.present.api_reference import api_reference

OBJECTS = "objects"
SPEC = "hangtag_openapi"  # where the application keeps it


@blueprint.get("/api/docs")
def api_docs() -> str:
    """What there is, how to begin, and the errors any operation may answer with."""
    return _page(None)


@blueprint.get("/api/docs/<part>")
def api_docs_part(part: str) -> str:
    """The operations of one group, or the objects they take and answer."""
    return _page(part)


def _spec() -> dict[str, Any]:
    """The OpenAPI document. It is made once: APIFlask would make it anew whenever it is asked, in 0.3 s."""
    known = current_app.extensions
    if SPEC not in known:
        known[SPEC] = cast("Any", current_app).spec
    return cast("dict[str, Any]", known[SPEC])


def _page(part: str | None) -> str:
    reference = api_reference(_spec(), request.url_root.rstrip("/"))
    group = next((group for group in reference.groups if group.id == part), None)
    if part not in (None, OBJECTS) and group is None:
        raise NotFoundError
    return render_template("docs/index.html", reference=reference, group=group, objects=part == OBJECTS)
