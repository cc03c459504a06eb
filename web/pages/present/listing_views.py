"""Listings as sellers see them: what is suggested or chosen, and what can be chosen instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.datasets.labels import NOT_IN_LIST, SEVERAL_ITEMS
from shared.listings.suggestion import Suggestion
from shared.tables import CategoryChoice, Listing, Photo
from web.pages.present.moments import moment_text
from web.pages.present.words import category_label, confidence, enumeration, percent, plural

# So many categories are compared at a glance; further ones wait behind a word.
SHOWN_OPTIONS = 12
# A share below this only says that it is another one.
WORTH_A_FIGURE = 0.05
UNTITLED = "Untitled listing"
HOW_SURE = {"sure": "sure", "likely": "likely", "ask": "not sure"}
OTHER_ANSWERS = {NOT_IN_LIST: "Not in this list", SEVERAL_ITEMS: "Several items"}


@dataclass(frozen=True, slots=True)
class TagView:
    """What the hang tag says."""

    title: str
    note: str
    level: str
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer a seller can give."""

    value: str
    label: str
    figure: str = ""
    pressed: bool = False


@dataclass(frozen=True, slots=True)
class ChoicePanel:
    """The part of a listing's page where its category is decided."""

    tag: TagView
    sentence: str
    keep: Option | None
    options: list[Option]
    further: list[Option]
    others: list[Option]
    disagreement: str
    decided: bool

    @property
    def spoken(self) -> str:
        """How it stands as one sentence, for screen readers."""
        note = f", {self.tag.note.lower()}" if self.tag.note else ""
        return f"Category: {self.tag.title}{note}. {self.disagreement}".strip()


@dataclass(frozen=True, slots=True)
class ListingCard:
    """One listing in a list."""

    id: str
    title: str
    cover_id: str | None
    photo_count: int
    tag: TagView
    keep: Option | None
    corrected: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ChoiceLine:
    """One decision in a listing's history."""

    chosen: str
    suggested: str
    actor: str
    created_at: datetime


def answer_label(answer: str) -> str:
    """A category, or one of the other answers, as people read it."""
    return OTHER_ANSWERS.get(answer) or category_label(answer)


def listing_title(listing: Listing) -> str:
    """The title, or what stands in its place."""
    return listing.title or UNTITLED


def taken_out_sentence(shown_in: Sequence[Listing]) -> str:
    """Which listings lose a photo that is deleted; empty when none does."""
    if not shown_in:
        return ""
    titles = enumeration([f"“{listing_title(listing)}”" for listing in shown_in])
    return f"It is also taken out of the {'listing' if len(shown_in) == 1 else 'listings'} {titles}."


def choice_panel(
    listing: Listing, suggestion: Suggestion | None, categories: Sequence[str], *, photos: int, waiting: int
) -> ChoicePanel:
    """Where a listing's category is decided. `waiting` photos have no answer yet but will."""
    options = _options(listing, suggestion, categories)
    return ChoicePanel(
        tag=_tag(listing, suggestion, photos, waiting),
        sentence=_sentence(listing, suggestion, photos, waiting),
        keep=_keep(listing, suggestion),
        options=options[:SHOWN_OPTIONS] if photos else [],
        further=options[SHOWN_OPTIONS:] if photos else [],
        others=[Option(value, label, "", value == listing.chosen) for value, label in OTHER_ANSWERS.items()]
        if photos
        else [],
        disagreement=_disagreement(listing, suggestion),
        decided=listing.chosen is not None and photos > 0,
    )


def listing_card(listing: Listing, photos: Sequence[Photo], suggestion: Suggestion | None) -> ListingCard:
    """A listing as lists show it."""
    return ListingCard(
        id=listing.id,
        title=listing_title(listing),
        cover_id=photos[0].id if photos else None,
        photo_count=len(photos),
        tag=_tag(listing, suggestion, len(photos), len(photos)),
        keep=_keep(listing, suggestion),
        corrected="Corrected" if listing.corrected else "",
        created_at=listing.created_at,
    )


def choice_line(choice: CategoryChoice, names: dict[str, str]) -> ChoiceLine:
    """A decision as its listing's page shows it."""
    suggested = "Nothing yet"
    if choice.suggested is not None and choice.confidence is not None:
        level = confidence(choice.confidence, "suggest").level
        suggested = f"{category_label(choice.suggested)}, {HOW_SURE[level]}"
    return ChoiceLine(
        answer_label(choice.chosen), suggested, names.get(choice.actor_id, "–"), choice.created_at
    )


def _tag(listing: Listing, suggestion: Suggestion | None, photos: int, waiting: int) -> TagView:
    if listing.chosen is not None:
        return TagView(answer_label(listing.chosen), "Your choice", "sure" if photos else "blank")
    if suggestion is None and waiting:
        return TagView("Looking", "A moment, please", "blank")
    if suggestion is None:
        return TagView("Nothing yet", "", "blank")
    answer = suggestion.answer
    sure = confidence(answer.confidence, answer.decision)
    if sure.level == "ask":
        return TagView("Please choose", "Not sure enough", "ask")
    return TagView(category_label(answer.category), sure.word, sure.level, percent(answer.confidence))


def _keep(listing: Listing, suggestion: Suggestion | None) -> Option | None:
    if listing.chosen is not None or suggestion is None or suggestion.answer.decision == "ask":
        return None
    return Option(suggestion.answer.category, category_label(suggestion.answer.category))


def _sentence(listing: Listing, suggestion: Suggestion | None, photos: int, waiting: int) -> str:
    if not photos and listing.chosen is not None:
        return "This listing has no photos any more. Add some, or remove the listing."
    if not photos:
        return "Add a photo, and its category appears here."
    if listing.chosen is not None:
        return "Tap another one to change it."
    if suggestion is None:
        return (
            "The suggestion comes within seconds. You need not wait for it."
            if waiting
            else "There is no suggestion for these photos. Please choose."
        )
    more = f" {plural(waiting, 'photo is', 'photos are')} still on the way." if waiting else ""
    if suggestion.answer.decision == "ask":
        return f"Which one is it? The likeliest come first.{more}"
    return f"Keep it, or tap the right one.{more}"


def _options(listing: Listing, suggestion: Suggestion | None, categories: Sequence[str]) -> list[Option]:
    """Every category, the likeliest first; the one on the button above them is left out."""
    ranked = {entry.category: entry.probability for entry in suggestion.answer.top} if suggestion else {}
    ordered = [name for name in ranked if name in categories] + [n for n in categories if n not in ranked]
    kept = _keep(listing, suggestion)
    return [
        Option(
            name,
            category_label(name),
            percent(ranked[name]) if ranked.get(name, 0) >= WORTH_A_FIGURE else "",
            name == listing.chosen,
        )
        for name in ordered
        if kept is None or name != kept.value
    ]


def _disagreement(listing: Listing, suggestion: Suggestion | None) -> str:
    """Which photos stand for another category by themselves, in a sentence; none once it is decided. Where
    nothing is suggested there is no other one, and only what they stand for is said, the likeliest first."""
    if listing.chosen is not None or suggestion is None or not suggestion.differing:
        return ""
    if suggestion.answer.decision == "ask":
        return f"The photos look like different things: {enumeration(_seen(suggestion))}."
    others = sorted({category_label(category) for category in suggestion.differing.values()})
    count = len(suggestion.differing)
    seen = f"{count} of {suggestion.photo_count} photos {'looks' if count == 1 else 'look'} more like"
    return f"{seen} {' or '.join(others)}."


def _seen(suggestion: Suggestion) -> list[str]:
    """What the photos stand for by themselves, in the order of what all of them together look like."""
    seen = set(suggestion.differing.values())
    if len(suggestion.differing) < suggestion.photo_count:
        seen.add(suggestion.answer.category)
    return [category_label(entry.category) for entry in suggestion.answer.top if entry.category in seen]


def decided_sentence(suggested: str | None, chosen_from: datetime | None) -> str:
    """Which listings are chosen by what was suggested and when that was decided; empty when all are."""
    parts = []
    if suggested is not None:
        parts.append(f"{category_label(suggested)} was suggested")
    if chosen_from is not None:
        parts.append(f"the category was chosen {moment_text(chosen_from)} or later")
    return f"Only listings where {' and '.join(parts)}." if parts else ""
