"""What APIFlask cannot derive for the OpenAPI file: keys, uploads, and which error shape is used."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

DESCRIPTION = (
    "Send a photo, get the category it belongs to. Authenticate with `Authorization: Bearer <key>`; "
    "make a key with `hangtag key create --name NAME --scopes classify,read`. "
    "Errors are `application/problem+json` with a stable `code`."
)
OPEN_PATHS = ("/healthz", "/readyz", "/metrics")


def describe(app: APIFlask) -> None:
    """Complete the OpenAPI file each time it is made."""
    app.config["DESCRIPTION"] = DESCRIPTION
    app.spec_processor(_complete)


def _complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
    if isinstance(spec, str):  # YAML, which we do not serve
        return spec
    components = spec.setdefault("components", {})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            if path not in OPEN_PATHS:
                operation["security"] = [{"key": []}]
            operation.setdefault("parameters", []).extend(operation.pop("x-parameters", []))
            if body := operation.pop("x-request-body", None):
                operation["requestBody"] = body
    return spec
