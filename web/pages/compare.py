"""Two versions on the same test photos."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared.clock import utc_now
from shared.errors import NotFoundError
from shared.models import comparison, registry, rescoring
from shared.models.evaluation import evaluation
from shared.models.live_comparison import compare_live
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.present.evaluations import interval_text
from web.pages.present.job_rows import job_row
from web.pages.present.version_views import compared_photo
from web.pages.reading import database_integer
from web.services import services
from web.submission import wake

# Of each kind; enough to see a pattern without a page of hundreds.
PHOTOS_SHOWN = 24


@blueprint.get("/versions/compare")
@page_login_required("reviewer")
def compare() -> str:
    """What version `b` fixes and breaks of version `a`; without numbers, the newest against the champion."""
    with services().database.read() as session:
        versions = [version for version in registry.versions(session) if not version.diagnostic]
        if not versions:
            raise NotFoundError("There is no version to compare yet. Train one first.")
        champion = registry.champion(session)
        a = registry.find(session, request.args.get("a", type=int) or (champion or versions[-1]).number)
        b = registry.find(session, request.args.get("b", type=int) or versions[0].number)
        found = comparison.compare(session, a.number, b.number) if a.number != b.number else None
        live = compare_live(session, a.number, b.number) if a.number != b.number else None
        job = rescoring.latest_job(session, a.number, b.number)
        dataset = rescoring.dataset_for(session, a, b)
    groups = {name: _shown(found, name) for name in ("broken", "fixed", "both_wrong")} if found else {}
    return render_template(
        "versions/compare.html",
        versions=versions,
        a=a,
        b=b,
        test_a=evaluation(a, "test"),
        test_b=evaluation(b, "test"),
        found=found,
        live=live if live and live.count else None,
        job=job_row(job, None, utc_now()) if job else None,
        dataset=dataset,
        groups=groups,
        interval_text=interval_text,
        accuracy_interval=comparison.accuracy_interval,
        significant=comparison.SIGNIFICANT,
    )


@blueprint.post("/versions/compare")
@page_login_required("admin")
def rescore() -> Response:
    """Let both versions answer the same test photos."""
    a, b = (request.form.get(name, 0, type=database_integer) for name in ("a", "b"))
    with services().database.write() as session:
        job = rescoring.request(session, a, b, identity().user.id)
    wake(services(), job)
    return redirect(url_for("pages.compare", a=a, b=b), code=303)


def _shown(found: comparison.Comparison, group: str) -> dict[str, object]:
    pairs = getattr(found, group)
    return {
        "count": len(pairs),
        "photos": [compared_photo(pair, found.a, found.b) for pair in pairs[:PHOTOS_SHOWN]],
    }
