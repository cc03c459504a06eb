"""Where administrators begin: is all well, what needs a decision, what was done."""

from __future__ import annotations

from flask import render_template, request

from shared.errors import NotFoundError
from shared.overview.figures import Window
from web.auth import page_login_required
from web.matters import matters
from web.overview import look
from web.pages import blueprint
from web.pages.present.job_rows import job_row
from web.pages.present.overview_views import (
    WINDOW_WORDS,
    bin_rows,
    category_rows,
    charts,
    figure_cards,
    version_rows,
)
from web.pages.present.queue_rows import queue_row, worker_rows, workers_summary

# With fewer, two mixes lie far apart by chance alone.
ENOUGH_ANSWERS = 100


@blueprint.get("/home")
@page_login_required("admin")
def overview() -> str:
    """How everything stands."""
    found = look(_window())
    workers = worker_rows(found.workers, found.now)
    return render_template(
        "overview/index.html",
        matters=matters(found),
        figures=figure_cards(found.done),
        charts=charts(found.done),
        bins=bin_rows(found.done),
        categories=category_rows(found.done),
        shift=found.done.shift if sum(found.done.total.given.values()) >= ENOUGH_ANSWERS else None,
        versions=version_rows(found.done),
        champion=found.champion.number if found.champion else None,
        int8_since=found.int8_since,
        queues=[queue_row(queue, found.now) for queue in found.queues],
        running=[job_row(job, None, found.now) for job in found.running],
        workers=workers,
        workers_summary=workers_summary(workers),
        disk=found.disk,
        window=found.done.window,
        windows=WINDOW_WORDS,
        now=found.now,
    )


def _window() -> Window:
    """How far back the address looks.

    Raises:
        NotFoundError: it names no window.
    """
    value = request.args.get("window", Window.DAY)
    if value not in list(Window):
        raise NotFoundError(f"There is no window {value[:40]!r}. Choose one at home.")
    return Window(value)
