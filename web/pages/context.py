"""What every template may use: the reader, the navigation, and words for values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, request, url_for

from shared.clock import rfc3339
from web.auth import current_user
from web.pages.present import moments, words
from web.pages.present.prose import prose


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A link in the header."""

    label: str
    address: str
    current: bool


# Label, endpoint, the path its pages share, and who may go there.
NAVIGATION = (
    ("Sell", "pages.sell", "/sell", ("seller", "reviewer", "admin")),
    ("Bulk", "pages.batches", "/batches", ("seller", "reviewer", "admin")),
    ("Jobs", "pages.jobs", "/jobs", ("seller", "reviewer", "admin")),
    ("Versions", "pages.versions", "/versions", ("reviewer", "admin")),
    ("API docs", "pages.api_docs", "/api/docs", ("seller", "reviewer", "admin")),
)


def register(app: Flask) -> None:
    """Add filters and template variables to an application."""
    app.context_processor(_variables)
    app.jinja_env.filters.update(
        category=words.category_label,
        percent=words.percent,
        label=words.sentence_case,
        prose=prose,
        plural=words.plural,
        moment=moments.moment_text,
        duration=moments.duration_text,
        rfc3339=rfc3339,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _variables() -> dict[str, Any]:
    user = current_user()
    return {"user": user, "navigation": navigation(user.role) if user else []}


def navigation(role: str) -> list[NavigationItem]:
    """The links a role may follow."""
    return [
        NavigationItem(label, url_for(endpoint), request.path.startswith(path))
        for label, endpoint, path, roles in NAVIGATION
        if role in roles
    ]
