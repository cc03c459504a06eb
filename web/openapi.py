"""What APIFlask cannot derive for the OpenAPI file: keys, uploads, and which error shape is used."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from apiflask import APIFlask

from web.api.answers import problems
from web.api.field_words import describe_fields

DESCRIPTION = (
    "Send a photo, get the category it belongs to. Authenticate with `Authorization: Bearer <key>`; "
    "make a key on your account page, or with `hangtag key create --name NAME --scopes classify,read`. "
    "Errors are `application/problem+json` with a stable `code`; a method that an address does not take is "
    "answered with 405 `method_not_allowed` and `Allow`, a fault of ours with 500 `internal_error`."
)
PLACEHOLDER = re.compile(r"<(?:[^:>]+:)?([^>]+)>")
OPEN_PATHS = ("/healthz", "/readyz", "/metrics")


def _add_general_answers(operation: dict[str, Any]) -> None:
    """The answers that any operation may give: text that cannot be used, and a body that cannot be read."""
    statuses = (400, 408, 413, 422) if "requestBody" in operation else (422,)
    for status, described in problems(*statuses).items():
        operation["responses"].setdefault(str(status), described)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def describe(app: APIFlask) -> None:
    """Complete the OpenAPI file each time it is made."""
    app.config["DESCRIPTION"] = DESCRIPTION
    app.spec_processor(partial(_complete, app))


def _arrange(app: APIFlask, spec: dict[str, Any]) -> None:
    """Order groups and paths as `web.api` and its modules do; APIFlask sorts paths by length."""
    known = dict.fromkeys(PLACEHOLDER.sub(r"{\1}", rule.rule) for rule in app.url_map.iter_rules())
    spec["paths"] = {path: spec["paths"][path] for path in known if path in spec["paths"]}
    # Several modules may share a group; the file may name it once.
    spec["tags"] = list({tag["name"]: tag for tag in spec["tags"]}.values())


def _complete(app: APIFlask, spec: dict[str, Any] | str) -> dict[str, Any] | str:
    if isinstance(spec, str):  # YAML, which we do not serve
        return spec
    _arrange(app, spec)
    components = spec.setdefault("components", {})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    describe_fields(components.get("schemas", {}))
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            if path not in OPEN_PATHS:
                operation["security"] = [{"key": []}]
            operation.setdefault("parameters", []).extend(operation.pop("x-parameters", []))
            if body := operation.pop("x-request-body", None):
                operation["requestBody"] = body
            if path not in OPEN_PATHS:
                _add_general_answers(operation)
    return spec
