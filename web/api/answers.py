"""How API answers are written: JSON with an ETag, so that polling costs little when nothing changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, make_response, request
from pydantic import BaseModel

from web.api.schemas import ProblemOut

# The type APIFlask gives the answers of an operation.
Answers = dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]
# Kept by the client that polls, and asked about each time.
POLLED = "private, no-cache"
# Made once: it stands beside hundreds of answers.
PROBLEM = ProblemOut.model_json_schema()


def answer(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer that nobody keeps."""
    response = make_response(body.model_dump_json(), status)
    response.content_type = "application/json"
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response


def polled(body: BaseModel) -> Response:
    """A JSON answer with an ETag; 304 when the client has it already."""
    response = answer(body, headers={"Cache-Control": POLLED})
    response.add_etag()
    response.make_conditional(request)
    return response


def linked(response: Response, next_cursor: str | int | None) -> Response:
    """A page of a list with a link to the next one (RFC 8288), unless it is the last."""
    if next_cursor is not None:
        query = urlencode({**request.args.to_dict(), "cursor": next_cursor})
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def problems(*statuses: int) -> Answers:
    """The error answers of an operation, for the OpenAPI file."""
    titles = {
        304: "Nothing changed since the ETag you sent",
        400: "The request cannot be read",
        401: "No valid key or session",
        403: "The key or account may not do this",
        404: "Unknown, or somebody else's",
        408: "The body came too slowly",
        409: "Not possible in the present state",
        412: "It has changed since the ETag you sent",
        413: "Too large",
        415: "Not a JPEG, PNG or WebP photo",
        422: "Values that cannot be used",
        428: "The If-Match header is missing",
        429: "Too fast, too many at once, or a quota is used up; Retry-After says when to try again",
        503: "The database or the photo storage does not answer; Retry-After says when to try again",
        507: "No room left to store the photo",
    }
    always = (401, 403, 429, 503)
    return {
        status: {
            "description": titles[status],
            "content": {"application/problem+json": {"schema": PROBLEM}},
        }
        for status in sorted({*statuses, *always})
    }
