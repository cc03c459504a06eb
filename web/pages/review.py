"""Reviewing: one photo after the other, most useful first, without a word about whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, get_flashed_messages, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shared.blobs import photo_key
from shared.datasets import labels
from shared.errors import ValidationError
from shared.models import registry
from shared.photos import store as photos
from shared.reviewing import figures, queue, store
from shared.tables import ModelVersion
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import REVIEWED
from web.pages.present.listing_views import answer_label
from web.pages.present.review_figures import FigureView, review_figures
from web.pictures import picture
from web.services import services

# Addresses stay short; who skips more starts again with the first skipped.
MAX_SKIPPED = 40
# The keys of the first ten categories, and those of the two other answers.
DIGITS = "1234567890"
OTHER_KEYS = {labels.NOT_IN_LIST: "n", labels.SEVERAL_ITEMS: "m"}


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """An answer and the key that gives it."""

    value: str
    label: str
    key: str


@blueprint.get("/review")
@page_login_required("reviewer")
def review() -> str:
    """The next photo to review, or the one the address names."""
    skipped = request.args.getlist("skip")[-MAX_SKIPPED:]
    with services().database.read() as session:
        champion = registry.champion(session)
        shown = _shown(session, champion, skipped)
        answers = _answer_keys(labels.categories(session))
        found = _figures(session, champion)
        fresh = figures.new_labels(session) if champion else 0
        last = store.last(session, identity().user.id)
    return render_template(
        "review/index.html",
        current=shown[0] if shown else None,
        following=shown[1] if len(shown) > 1 else None,
        version=champion.number if champion else None,
        answers=answers,
        skipped=skipped,
        figures=found,
        new_labels=fresh,
        last=last.photo_id if last else None,
        said=get_flashed_messages(category_filter=[REVIEWED]),
    )


@blueprint.post("/review")
@page_login_required("reviewer")
def answer_review() -> Response:
    """Take an answer and go on with the next photo."""
    label = request.form.get("label", "")
    with services().database.write() as session:
        store.answer(session, identity().user.id, request.form.get("photo", ""), _version(), label)
    flash(f"Your answer: {answer_label(label)}.", REVIEWED)
    return _next()


@blueprint.post("/review/undo")
@page_login_required("reviewer")
def undo_review() -> Response:
    """Take the last answer back and show its photo again."""
    with services().database.write() as session:
        taken = store.undo(session, identity().user.id)
    if taken is None:
        flash("There is no answer of yours to take back.", REVIEWED)
        return _next()
    flash(f"Taken back: {answer_label(taken.label)}.", REVIEWED)
    return redirect(
        url_for("pages.review", photo=taken.photo_id, skip=request.args.getlist("skip")), code=303
    )


@blueprint.get("/review/photos/<photo_id>")
@page_login_required("reviewer")
def review_photo(photo_id: str) -> Response:
    """A photo for reviewers, whoever sent it."""
    with services().database.read() as session:
        photo = photos.find(session, photo_id)
    return picture(photo_key(photo.digest), photo.digest, f"{photo.id}.jpg")


def _shown(session: Session, champion: ModelVersion | None, skipped: list[str]) -> list[str]:
    """The photo to show, and the one after it."""
    named = request.args.get("photo")
    first = [store.find(session, named, champion.number)[0].id] if named and champion else []
    return [*first, *queue.upcoming(session, identity().user.id, {*skipped, *first}, 2 - len(first))]


def _figures(session: Session, champion: ModelVersion | None) -> list[FigureView]:
    if champion is None:
        return []
    return review_figures(
        champion.number,
        figures.accuracy(session, champion.number),
        figures.outside_list(session, champion.number),
        figures.agreement(session),
        figures.agreement_with_sellers(session),
    )


def _answer_keys(categories: list[str]) -> list[AnswerKey]:
    """Every answer, in an order that fingers can learn and that does not tell what is suggested."""
    keys = dict(zip(categories, DIGITS, strict=False))
    return [
        AnswerKey(value, answer_label(value), keys.get(value) or OTHER_KEYS.get(value, ""))
        for value in (*categories, *labels.NO_CATEGORY)
    ]


def _version() -> int:
    """The version whose answer is being reviewed.

    Raises:
        ValidationError: the form does not name one.
    """
    text = request.form.get("version", "")
    if not text.isdecimal() or len(text) > 9:
        raise ValidationError("This form is not complete. Please load the page again.")
    return int(text)


def _next() -> Response:
    return redirect(url_for("pages.review", skip=request.args.getlist("skip")), code=303)
