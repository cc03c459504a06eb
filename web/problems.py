"""Errors as answers: problem+json (RFC 9457) for programs, a page for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response, g, jsonify, request
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from pydantic import ValidationError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    SecurityError,
)

from shared.errors import BlobMissingError, HangtagError, TransientError
from shared.limit_errors import QuotaExceededError, RateLimitedError, RequestTooSlowError
from web.incoming_request import came_too_slowly
from web.wrong_values import sentence_of

logger = structlog.get_logger(__name__)

# Stable codes where HTTP itself, not one of our errors, says no.
HTTP_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "validation_error",
    429: "rate_limited",
    500: "internal_error",
}
RETRY_SECONDS = "5"
FOR_PROGRAMS = ("/api/v1/", "/healthz", "/readyz", "/metrics")
WRONG_VALUES = "Some of the values sent cannot be used; see errors."
UNKNOWN_ADDRESS = "There is nothing under this address. The reference at /api/docs lists those there are."
BROKEN_BODY = "The body is not in the chunks that its headers announce. Send it again."
INTERNAL = "Something went wrong on our side. Please try again; the request id helps us find the cause."


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The members of a problem document."""
    title = HTTPStatus(status).phrase
    return {
        "type": f"urn:hangtag:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id(),
        **extra,
    }


def request_id() -> str:
    """The id of the current request, made on first use."""
    if "request_id" not in g:
        g.request_id = uuid4().hex
    return str(g.request_id)


def register(app: APIFlask) -> None:
    """Answer every error of this application with a problem document or page."""
    app.error_processor(_from_apiflask)  # first: it also takes all HTTP errors, which ours do better
    app.register_error_handler(HangtagError, explain)
    app.register_error_handler(CSRFError, _from_csrf)
    app.register_error_handler(HTTPException, _from_werkzeug)
    app.register_error_handler(ParseException, lambda _error: _from_werkzeug(BadRequest(BROKEN_BODY)))
    app.register_error_handler(Exception, _from_bug)


def _answer(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    from web.pages.problems import render_problem  # noqa: PLC0415 - pages import this module too

    if _wants_page():
        response = render_problem(document)
    else:
        response = jsonify(document)
        response.content_type = "application/problem+json"
    response.status_code = document["status"]
    response.headers.extend(headers or {})
    return response


def _wants_page() -> bool:
    # A page has links, and a host that cannot be one leaves nothing they could start with.
    if isinstance(request.routing_exception, SecurityError) or request.path.startswith(FOR_PROGRAMS):
        return False
    best = request.accept_mimetypes.best_match(["application/json", "text/html"], default="application/json")
    return best == "text/html"


def explain(error: HangtagError) -> Response:
    """One of our errors as an answer, with Retry-After where trying again may help."""
    headers = {"Retry-After": RETRY_SECONDS} if isinstance(error, TransientError) else {}
    if isinstance(error, RateLimitedError | QuotaExceededError):
        headers["Retry-After"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    # Expected and named; a traceback would only hide the others.
    if isinstance(error, TransientError | BlobMissingError):
        logger.warning("request_failed", code=error.code, detail=error.message, cause=repr(error.__cause__))
    elif error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request_failed", code=error.code, detail=error.message, exc_info=error)
    fields = getattr(error, "fields", None)
    extra = {"errors": fields} if fields else {}
    return _answer(problem(error.status, error.code, error.message, **extra), headers)


def _from_pydantic(error: ValidationError) -> Response:
    fields = [
        {"field": ".".join(str(part) for part in item["loc"]), "message": sentence_of(item)}
        for item in error.errors()
    ]
    return _answer(problem(HTTPStatus.UNPROCESSABLE_ENTITY, "validation_error", WRONG_VALUES, errors=fields))


def _from_csrf(_error: CSRFError) -> Response:
    detail = "This page was open for too long or came from elsewhere. Please reload it and try again."
    return _answer(problem(HTTPStatus.FORBIDDEN, "csrf_failed", detail))


def _from_werkzeug(error: HTTPException) -> Response:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # type: ignore[return-value]  # a redirect, not an error
    if isinstance(error, ClientDisconnected) and came_too_slowly():
        return explain(RequestTooSlowError())
    code = HTTP_CODES.get(error.code, f"http_{error.code}")
    response = _answer(problem(error.code, code, _detail(error)))
    for name in ("Allow", "Retry-After"):
        if name in (kept := error.get_response().headers):
            response.headers[name] = kept[name]
    return response


def _detail(error: HTTPException) -> str:
    """Our words where an address or method is unknown, else the framework's."""
    if isinstance(error, NotFound):
        return UNKNOWN_ADDRESS
    if isinstance(error, MethodNotAllowed):
        known = ", ".join(sorted(error.valid_methods or ()))
        return f"This address does not take {request.method}. It takes {known}."
    return error.description or ""


def _from_apiflask(error: HTTPError) -> Response:
    if isinstance(error.__cause__, ValidationError):
        return _from_pydantic(error.__cause__)
    code = HTTP_CODES.get(error.status_code, f"http_{error.status_code}")
    return _answer(
        problem(error.status_code, code, str(error.message)),
        {name: str(value) for name, value in Headers(error.headers).items()},
    )


def _from_bug(error: Exception) -> Response:
    logger.error("request_failed", code="internal_error", exc_info=error)
    return _answer(problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", INTERNAL))
