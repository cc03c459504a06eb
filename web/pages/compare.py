"""Two versions on the same test photos."""

from __future__ import annotations

from flask import render_template, request

from shared.errors import NotFoundError
from shared.models import comparison, registry
from web.auth import page_login_required
from web.pages import blueprint
from web.pages.present.evaluations import evaluation, interval_text
from web.pages.present.version_views import compared_photo
from web.services import services

# Of each kind; enough to see a pattern without a page of hundreds.
PHOTOS_SHOWN = 24


@blueprint.get("/versions/compare")
@page_login_required("reviewer")
def compare() -> str:
    """What version `b` mends and breaks of version `a`; without numbers, the newest against the champion."""
    with services().database.read() as session:
        versions = registry.versions(session)
        if not versions:
            raise NotFoundError("There is no version to compare yet. Train one first.")
        champion = registry.champion(session)
        a = registry.find(session, request.args.get("a", type=int) or (champion or versions[-1]).number)
        b = registry.find(session, request.args.get("b", type=int) or versions[0].number)
        found = comparison.compare(session, a.number, b.number) if a.number != b.number else None
    groups = {name: _shown(found, name) for name in ("broken", "fixed", "both_wrong")} if found else {}
    return render_template(
        "versions/compare.html",
        versions=versions,
        a=a,
        b=b,
        test_a=evaluation(a, "test"),
        test_b=evaluation(b, "test"),
        found=found,
        groups=groups,
        interval_text=interval_text,
        accuracy_interval=comparison.accuracy_interval,
        significant=comparison.SIGNIFICANT,
    )


def _shown(found: comparison.Comparison, group: str) -> dict[str, object]:
    pairs = getattr(found, group)
    return {
        "count": len(pairs),
        "photos": [compared_photo(pair, found.a, found.b) for pair in pairs[:PHOTOS_SHOWN]],
    }
