"""Errors as pages: what happened, what it means, what to do."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, render_template

TITLES = {
    400: "This request could not be understood",
    401: "Please sign in",
    403: "This is not open to you",
    404: "There is nothing here",
    405: "This cannot be done here",
    408: "The line was too slow",
    409: "This cannot be done right now",
    413: "That was too much at once",
    415: "This kind of file cannot be used",
    422: "Something needs another look",
    429: "A little too fast",
    500: "Something went wrong on our side",
    503: "Not ready at the moment",
    507: "There is no room left",
}
# What to do, where the detail may come from a library or speaks of the API's keys.
ADVICE = {
    403: "Your role does not allow it. An administrator can give you another one.",
    404: "The address may have a typo, or what was here is gone or belongs to somebody else.",
    413: "Nothing was stored. Please send fewer or smaller photos at a time.",
    429: "Please wait a moment, then try again. Photos you already sent are safe.",
    500: "Photos you already sent are safe. Please try again.",
    503: "Photos you already sent are safe. Please try again shortly.",
}
WRITTEN_BY_US = frozenset(
    {"forbidden", "insufficient_scope", "not_found", "payload_too_large", "internal_error"}
)


def render_problem(problem: dict[str, Any]) -> Response:
    """A problem document as a page."""
    status = int(problem["status"])
    page = render_template(
        "problems/problem.html",
        problem=problem,
        heading=TITLES.get(status, "This did not work"),
        sentences=_sentences(problem, status),
    )
    return make_response(page, status)


def _sentences(problem: dict[str, Any], status: int) -> list[str]:
    """What to tell: for codes that HTTP itself raises, our words instead of the library's."""
    detail = str(problem.get("detail", ""))
    advice = ADVICE.get(status, "")
    if problem.get("code") in WRITTEN_BY_US and advice:
        return [advice]
    return [detail] if detail else []
