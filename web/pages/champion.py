"""The version that answers sellers: promotion through the gate, the way back, and every other name."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from shared.errors import (
    ChecksumError,
    ConflictError,
    NotFoundError,
    PromotionRefusedError,
    ValidationError,
)
from shared.models import aliases, gate, registry
from shared.models.evaluation import evaluation
from shared.models.registry import CHAMPION, MAX_REASON_CHARACTERS
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.evaluations import interval_text
from web.services import services

# What the gate found stands above the form already.
NOT_OVERRIDDEN = "The gate refuses this version, for what is listed above. If you know better, override it."


@blueprint.get("/versions/<int:number>/champion")
@page_login_required("admin")
def confirm_champion(number: int) -> str:
    """Name what will happen, show what the gate says, and ask why."""
    return _confirm(number)


@blueprint.post("/versions/<int:number>/champion")
@page_login_required("admin")
def make_champion(number: int) -> Response | tuple[str, int]:
    """Let a version answer sellers, unless the gate refuses it and nobody overrides."""
    reason, override = request.form.get("reason", ""), request.form.get("override") == "yes"
    try:
        aliases.require_files(services().database, services().blobs, number)
        with services().database.write() as session:
            aliases.promote(session, number, identity().user.name, reason, override=override)
    except PromotionRefusedError as error:
        return _confirm(number, NOT_OVERRIDDEN), error.status
    except (ValidationError, ConflictError, ChecksumError) as error:
        return _confirm(number, error.message), error.status
    flash(f"Version {number} is the champion and answers sellers from now on.", DONE)
    return redirect(url_for("pages.version", number=number), code=303)


@blueprint.post("/versions/champion/rollback")
@page_login_required("admin")
def roll_back() -> Response:
    """Let the version answer sellers that answered before."""
    aliases.require_way_back(services().database, services().blobs)
    with services().database.write() as session:
        number = aliases.rollback(session, identity().user.name, "Rolled back from the page.").after
    flash(f"Version {number} is the champion again.", DONE)
    return redirect(url_for("pages.version", number=number), code=303)


@blueprint.get("/versions/aliases/<name>")
@page_login_required("reviewer")
def alias(name: str) -> str:
    """Which version a name means, and every version it meant."""
    return _alias_page(name)


@blueprint.post("/versions/<int:number>/aliases")
@page_login_required("admin")
def add_alias(number: int) -> Response:
    """Give a version another name."""
    name = request.form.get("name", "").strip()
    reason = request.form.get("reason", "").strip() or "Named on the page."
    with services().database.write() as session:
        aliases.point(session, name, number, identity().user.name, reason)
    flash(f"Version {number} is called {name} from now on.", DONE)
    return redirect(url_for("pages.alias", name=name), code=303)


@blueprint.post("/versions/aliases/<name>/remove")
@page_login_required("admin")
def remove_alias(name: str) -> Response:
    """Take a name away from its version."""
    with services().database.write() as session:
        change = aliases.remove(session, name, identity().user.name, "Taken away on the page.")
    flash(f"Version {change.before} is not called {name} any more.", DONE)
    return redirect(url_for("pages.version", number=change.before), code=303)


def _alias_page(name: str) -> str:
    with services().database.read() as session:
        changes = registry.history(session, name)
        version = registry.aliases(session).get(name)
        previous = aliases.previous_champion(session) if name == CHAMPION else None
    if not changes:
        raise NotFoundError(f"No version was ever called {name[:60]!r}.")
    return render_template(
        "versions/alias.html", name=name, version=version, previous=previous, history=changes
    )


def _confirm(number: int, error: str | None = None) -> str:
    with services().database.read() as session:
        found = registry.find_trained(session, number)
        champion = registry.champion(session)
        verdict = gate.judge(session, found, champion)
    return render_template(
        "versions/champion.html",
        version=found,
        test=evaluation(found, "test"),
        champion=champion,
        champion_test=evaluation(champion, "test") if champion else None,
        verdict=verdict,
        interval_text=interval_text,
        max_reason=MAX_REASON_CHARACTERS,
        reason=request.form.get("reason", ""),
        error=error,
    )
