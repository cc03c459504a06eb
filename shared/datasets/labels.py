"""What people may say about a photo, and how that becomes an example.

The label of a photo (of all photos with the same pixels) is decided here and nowhere else, by these rules:

1. A photo that was imported with a label keeps it. (An import leaves alone what people labelled before.)
   So does a seller's photo that a table names, as long as somebody has that photo, and for ever once the same
   picture is brought along by an import; the label stays the table's.
2. Else the answer that most reviewers gave counts; while two lead equally, the photo has no label.
3. Else the newest choice for a listing that shows the photo counts.
4. "Not in this list" and "several items" are answers, but no labels.

A photo without a label is no example; dataset versions made before keep what they hold. An example never
changes its split, and one that is made again comes back to the side on which a dataset version has it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared.database import insert_if_absent
from shared.datasets import store
from shared.errors import NotFoundError, ValidationError
from shared.jobs.states import Split
from shared.models import registry
from shared.tables import DatasetVersion, Example, Listing, ListingPhoto, Photo, Review

NOT_IN_LIST = "not-in-list"
SEVERAL_ITEMS = "several-items"
# Answers that are no categories.
NO_CATEGORY = (NOT_IN_LIST, SEVERAL_ITEMS)
MAX_LABEL_CHARACTERS = 80
IMPORTED = "import:"
# Named by a table and not brought along: the pixels are a seller's, and go when no seller has them any more.
NAMED = "table:"


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What people say about a photo, None for no label, and whose word it is."""

    label: str | None
    source: str


def categories(session: Session) -> list[str]:
    """The categories people choose from: the champion's, before there is one those of the newest dataset."""
    champion = registry.champion(session)
    if champion is not None:
        return list(champion.classes)
    newest = session.scalar(select(DatasetVersion.classes).order_by(DatasetVersion.number.desc()).limit(1))
    return list(newest or [])


def check_answer(session: Session, answer: str) -> None:
    """Refuse what is neither a category nor one of the other answers.

    Raises:
        ValidationError: it is neither.
    """
    known = [*categories(session), *NO_CATEGORY]
    if answer not in known:
        raise ValidationError(f"{answer[:80]!r} cannot be chosen. Choose one of: {', '.join(known)}.")


def checked_label(text: str) -> str:
    """A label as it is kept: without space around it, and each character written in one way.

    Raises:
        ValidationError: it is no name of a category.
    """
    label = unicodedata.normalize("NFC", text.strip())
    if not 1 <= len(label) <= MAX_LABEL_CHARACTERS or not label.isprintable():
        raise ValidationError(f"A label has 1 to {MAX_LABEL_CHARACTERS} printable characters.")
    if label in NO_CATEGORY:
        raise ValidationError(f"{label!r} is an answer that names no category, so it cannot be a label.")
    return label


def settle(session: Session, digest: str) -> None:
    """Make the example of these pixels say what people say about them now, by the rules above."""
    example = session.get(Example, digest)
    if example is not None and _is_kept(session, example):
        return
    verdict = _from_reviews(session, digest) or _from_listings(session, digest)
    if verdict is None or verdict.label is None:
        if example is not None:
            session.delete(example)
    elif example is None:
        side = store.landing_sides(session, {digest: None})[digest]
        _, made = ensure(session, digest, verdict.label, verdict.source, side)
        if not made:  # whoever made it may keep it by the rules
            settle(session, digest)
    else:
        example.label, example.source = verdict.label, verdict.source
    session.flush()


def ensure(session: Session, digest: str, label: str, source: str, split: Split) -> tuple[Example, bool]:
    """The example of these pixels, and whether it was made here: somebody may make it at this moment."""
    values = {"digest": digest, "label": label, "split": split, "source": source}
    while True:  # a second round only when theirs is gone again between these two statements
        example = insert_if_absent(session, Example, **values)
        if example is not None:
            return example, True
        example = session.get(Example, digest)
        if example is not None:
            return example, False


def relabel(session: Session, digest: str, label: str, by: str) -> None:
    """Correct the label of one example, as a table with this line would.

    Raises:
        NotFoundError: the photo is no example any more.
    """
    example = session.get(Example, digest)
    if example is None:
        raise NotFoundError("This photo is no example any more, so it has no label to correct.")
    origin = IMPORTED if example.source.startswith(IMPORTED) else NAMED
    example.label, example.source = label, f"{origin}{by}"[:200]


def take_out(session: Session, digest: str) -> None:
    """Make a photo no example any more, until somebody says something about it again or imports it again."""
    session.execute(delete(Example).where(Example.digest == digest))


def keep(example: Example, source: str) -> None:
    """A picture that a table named was brought along now: its label lives on without its sellers."""
    if example.source.startswith(NAMED):
        example.source = source


def _is_kept(session: Session, example: Example) -> bool:
    if example.source.startswith(NAMED):
        theirs = select(Photo.id).where(Photo.digest == example.digest).limit(1)
        return session.scalar(theirs) is not None
    return example.source.startswith(IMPORTED)


def _from_reviews(session: Session, digest: str) -> _Verdict | None:
    rows = session.execute(
        select(Review.label, Review.id)
        .join(Photo, Photo.id == Review.photo_id)
        .where(Photo.digest == digest, Review.undone_at.is_(None))
        .order_by(Review.id)
    ).all()
    if not rows:
        return None
    ranked = Counter(row.label for row in rows).most_common(2)
    tied = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
    return _Verdict(None if tied else _as_label(ranked[0][0]), f"review:{rows[-1].id}")


def _from_listings(session: Session, digest: str) -> _Verdict | None:
    row = session.execute(
        select(Listing.chosen, Listing.id)
        .join(ListingPhoto, ListingPhoto.listing_id == Listing.id)
        .join(Photo, Photo.id == ListingPhoto.photo_id)
        .where(Photo.digest == digest, Listing.chosen.is_not(None), Listing.removed_at.is_(None))
        .order_by(Listing.chosen_at.desc())
        .limit(1)
    ).first()
    return _Verdict(_as_label(row.chosen), f"listing:{row.id}") if row else None


def _as_label(answer: str) -> str | None:
    return None if answer in NO_CATEGORY else answer
