"""Model versions: how good each is, where it comes from, and what people say about it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shared.errors import ValidationError
from shared.models import aliases, engine_gates, evaluated, gate, notes, registry, shadows
from shared.models.card import learned_in_8_bits
from shared.models.evaluation import evaluation
from shared.models.reliability import reliability
from shared.tables import ModelVersion
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.evaluations import (
    axis_floor,
    interval_text,
    lineage_facts,
    matrix,
    whisker,
)
from web.pages.present.parameter_facts import parameter_facts
from web.pages.present.training_charts import training_charts
from web.pages.present.version_views import (
    VersionRow,
    answered_photo,
    class_rows,
    epochs_of_lineage,
    reliability_chart,
    version_row,
)
from web.pages.reading import database_integer
from web.services import services

# Enough to see what goes wrong; all of them are a click away.
MISTAKES_SHOWN = 12
PHOTOS_PER_PAGE = 60


@blueprint.get("/versions")
@page_login_required("reviewer")
def versions() -> str:
    """All versions, newest first."""
    with services().database.read() as session:
        found = registry.versions(session)
        named = registry.aliases(session)
        history = registry.history(session)
        judged = engine_gates.every(session)
        previous = aliases.previous_champion(session)
    rows = [version_row(version, named) for version in found]
    return render_template(
        "versions/index.html",
        rows=rows,
        judged=judged,
        champion=named.get(registry.CHAMPION),
        previous=previous,
        floor=axis_floor(row.test.interval for row in rows if row.test),
        history=history,
        interval_text=interval_text,
        whisker=whisker,
    )


@blueprint.get("/versions/<int:number>")
@page_login_required("reviewer")
def version(number: int) -> str:
    """One version: figures, curves, confusions, mistakes, notes, lineage."""
    return _version_page(number)


@blueprint.post("/versions/<int:number>/notes")
@page_login_required("admin")
def add_note(number: int) -> Response | tuple[str, int]:
    """Write a note about a version."""
    text = request.form.get("text", "")
    try:
        with services().database.write() as session:
            notes.add(session, number, identity().user.name, text)
    except ValidationError as error:
        return _version_page(number, note=text, note_error=error.message), error.status
    flash("The note is kept.", DONE)
    return redirect(url_for("pages.version", number=number, _anchor="notes-title"), code=303)


@blueprint.get("/versions/<int:number>/photos")
@page_login_required("reviewer")
def version_photos(number: int) -> str:
    """The test photos behind a cell of the confusion matrix, or all mistakes."""
    truth, answer = request.args.get("truth") or None, request.args.get("answer") or None
    offset = max(0, request.args.get("offset", 0, type=database_integer))
    with services().database.read() as session:
        found = registry.find(session, number)
        tested_on = evaluated.dataset_versions(session, number)
        photos, total = (
            evaluated.cell(session, number, tested_on[0], truth, answer, offset=offset, limit=PHOTOS_PER_PAGE)
            if tested_on
            else ([], 0)
        )
    return render_template(
        "versions/photos.html",
        version=found,
        truth=truth,
        answer=answer,
        photos=[answered_photo(photo) for photo in photos],
        total=total,
        offset=offset,
        per_page=PHOTOS_PER_PAGE,
    )


def _version_page(number: int, note: str = "", note_error: str | None = None) -> str:
    with services().database.read() as session:
        found = registry.find(session, number)
        row = version_row(found, registry.aliases(session))
        champion = registry.champion(session)
        previous = aliases.previous_champion(session)
        changes = [change for change in registry.history(session) if number in (change.before, change.after)]
        written = notes.of(session, number)
        photos = _photos(session, found)
        engine_gate = engine_gates.of(session, number)
        unseen = gate.unseen_test(session, found)
    epochs = epochs_of_lineage(found.lineage)
    return render_template(
        "versions/version.html",
        row=row,
        version=found,
        champion=champion,
        previous=previous,
        validation=evaluation(found, "validation"),
        speed=found.metrics.get("speed"),
        epochs=epochs,
        charts=training_charts(epochs),
        facts=lineage_facts(found),
        learned_in=learned_in_8_bits(found.lineage),
        parameters=parameter_facts(found.lineage.get("parameters", {})),
        history=changes,
        engine_gate=engine_gate,
        unseen=unseen,
        shadow=any(shadows.is_shadow(name) for name in row.aliases),
        may_shadow=champion is not None and bool(shadows.beside(champion, [found])),
        notes=written,
        note=note,
        note_error=note_error,
        max_note=notes.MAX_NOTE_CHARACTERS,
        interval_text=interval_text,
        whisker=whisker,
        **_figures(row),
        **photos,
    )


def _figures(row: VersionRow) -> dict[str, Any]:
    """What the page says about the test photos as a whole."""
    if row.test is None:
        return {"matrix": None, "classes": [], "class_floor": 0}
    classes = class_rows(row.test)
    intervals = [entry.figures.recall_interval for entry in classes]
    return {"matrix": matrix(row.test), "classes": classes, "class_floor": axis_floor(intervals)}


def _photos(session: Session, version: ModelVersion) -> dict[str, Any]:
    """What the page says about single test photos; nothing for a version that was evaluated elsewhere."""
    tested_on = evaluated.dataset_versions(session, version.number)
    if not tested_on:
        return {"by_photo": False, "bins": [], "reliability": None, "mistakes": [], "mistake_count": 0}
    answers = evaluated.of(session, version.number, tested_on[0])
    bins = reliability((photo.confidence, photo.answer == photo.truth) for photo in answers)
    mistakes, count = evaluated.cell(session, version.number, tested_on[0], limit=MISTAKES_SHOWN)
    return {
        # The matrix counts the test photos of the dataset the version was made from; others may differ.
        "by_photo": version.lineage.get("dataset_version") == tested_on[0],
        "bins": bins,
        "reliability": reliability_chart(bins),
        "mistakes": [answered_photo(photo) for photo in mistakes],
        "mistake_count": count,
    }
