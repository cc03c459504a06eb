"""Model versions: how good each is, where it comes from, and which one answers sellers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared.errors import ChecksumError, ValidationError
from shared.models import registry
from shared.models.evaluation import Evaluation
from shared.tables import ModelVersion
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.evaluations import (
    axis_floor,
    evaluation,
    interval_text,
    lineage_facts,
    matrix,
    whisker,
)
from web.services import services


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version with its figures and its names."""

    version: ModelVersion
    test: Evaluation | None
    aliases: list[str]


@blueprint.get("/versions")
@page_login_required("reviewer")
def versions() -> str:
    """All versions, newest first."""
    with services().database.read() as session:
        found = registry.versions(session)
        aliases = registry.aliases(session)
        history = registry.history(session)
    rows = [_row(version, aliases) for version in found]
    return render_template(
        "versions/index.html",
        rows=rows,
        floor=axis_floor(row.test.interval for row in rows if row.test),
        history=history,
        interval_text=interval_text,
        whisker=whisker,
    )


@blueprint.get("/versions/<int:number>")
@page_login_required("reviewer")
def version(number: int) -> str:
    """One version: figures, confusions, lineage."""
    with services().database.read() as session:
        found = registry.find(session, number)
        aliases = registry.aliases(session)
        history = [change for change in registry.history(session) if number in (change.before, change.after)]
    row = _row(found, aliases)
    return render_template(
        "versions/version.html",
        row=row,
        version=found,
        validation=evaluation(found, "validation"),
        matrix=matrix(row.test) if row.test else None,
        class_floor=axis_floor(entry.recall_interval for entry in row.test.per_class) if row.test else 0,
        facts=lineage_facts(found),
        history=history,
        interval_text=interval_text,
        whisker=whisker,
    )


@blueprint.get("/versions/<int:number>/champion")
@page_login_required("admin")
def confirm_champion(number: int) -> str:
    """Name what will happen, and ask why."""
    return _confirm(number)


@blueprint.post("/versions/<int:number>/champion")
@page_login_required("admin")
def make_champion(number: int) -> Response | tuple[str, int]:
    """Let a version answer sellers."""
    try:
        with services().database.write() as session:
            registry.require_intact(services().blobs, registry.find(session, number))
            registry.promote(session, number, identity().user.name, request.form.get("reason", ""))
    except (ValidationError, ChecksumError) as error:
        return _confirm(number, error.message), error.status
    flash(f"Version {number} is the champion and answers sellers from now on.", DONE)
    return redirect(url_for("pages.version", number=number), code=303)


def _confirm(number: int, error: str | None = None) -> str:
    with services().database.read() as session:
        found = registry.find(session, number)
        champion = registry.champion(session)
    return render_template(
        "versions/champion.html",
        version=found,
        test=evaluation(found, "test"),
        champion=champion,
        champion_test=evaluation(champion, "test") if champion else None,
        interval_text=interval_text,
        max_reason=registry.MAX_REASON_CHARACTERS,
        reason=request.form.get("reason", ""),
        error=error,
    )


def _row(version: ModelVersion, aliases: dict[str, int]) -> VersionRow:
    names = [name for name, number in aliases.items() if number == version.number]
    return VersionRow(version, evaluation(version, "test"), names)
