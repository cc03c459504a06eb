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


@dataclass(frozen=True, slots=True)
class Navigation:
    """The links of the header: what people come for each day, and the rest."""

    daily: list[NavigationItem]
    more: list[NavigationItem]


EVERYBODY = ("seller", "reviewer", "admin")
# Label, endpoint, the path its pages share, and who may go there. The first are always in sight and have room
# for five short words on a phone; the others open from "More" where the screen is too narrow for all.
DAILY = (
    ("Home", "pages.overview", "/home", ("admin",)),
    ("Sell", "pages.sell", "/sell", EVERYBODY),
    ("Listings", "pages.listings", "/listings", EVERYBODY),
    ("Review", "pages.review", "/review", ("reviewer", "admin")),
)
MORE = (
    ("Bulk", "pages.batches", "/batches", EVERYBODY),
    ("Sent", "pages.jobs", "/jobs", ("seller", "reviewer")),
    ("Jobs", "pages.jobs", "/jobs", ("admin",)),
    ("Training", "pages.trainings", "/trainings", ("admin",)),
    ("Data", "pages.datasets", "/data", ("reviewer", "admin")),
    ("Versions", "pages.versions", "/versions", ("reviewer", "admin")),
    ("People", "pages.people", "/people", ("admin",)),
    ("API docs", "pages.api_docs", "/api/docs", EVERYBODY),
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
    return {"user": user, "navigation": navigation(user.role) if user else None}


def navigation(role: str) -> Navigation:
    """The links a role may follow."""
    return Navigation(_items(DAILY, role), _items(MORE, role))


def _items(entries: tuple[tuple[str, str, str, tuple[str, ...]], ...], role: str) -> list[NavigationItem]:
    return [
        NavigationItem(label, url_for(endpoint), request.path.startswith(path))
        for label, endpoint, path, roles in entries
        if role in roles
    ]
