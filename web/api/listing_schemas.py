"""What goes in and out of the API about listings."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.clock import rfc3339
from shared.datasets.labels import NOT_IN_LIST, SEVERAL_ITEMS
from shared.listings.store import MAX_PHOTOS, MAX_TITLE, ChoiceFilter
from shared.listings.suggestion import Suggestion
from shared.models.answer import Ranked
from shared.tables import CategoryChoice, Listing, Photo
from web.api.schemas import MAX_LIMIT, Input, Moment, PhotoOut

OTHER_ANSWERS = f"One of the categories, `{NOT_IN_LIST}` or `{SEVERAL_ITEMS}`."


class ListingIn(Input):
    """A new listing."""

    title: str = Field("", max_length=MAX_TITLE)
    photo_ids: list[str] = Field(
        default_factory=list, max_length=MAX_PHOTOS, description="Photos sent before."
    )


class TitleIn(Input):
    """Another title."""

    title: str = Field(max_length=MAX_TITLE)


class ChoiceIn(Input):
    """A decision about the category of a listing."""

    category: str = Field(min_length=1, max_length=80, description=OTHER_ANSWERS)


class CoverIn(Input):
    """The photo that shall come first."""

    photo_id: str = Field(min_length=1, max_length=36)


class ListingsQuery(Input):
    """Which listings to list."""

    search: str | None = Field(None, max_length=MAX_TITLE, description="A part of the title.")
    choice: ChoiceFilter | None = None
    suggested: str | None = Field(
        None, max_length=80, description="Only listings for which this category was suggested to who chose."
    )
    chosen_from: Moment | None = Field(None, description="Only listings chosen for at this moment or later.")
    cursor: str | None = Field(
        None, pattern=r"^[0-9a-f-]{36}$", description="From the link to the next page."
    )
    limit: int = Field(50, ge=1, le=MAX_LIMIT)


class DifferingOut(BaseModel):
    """A photo that by itself stands for another category than the listing."""

    photo_id: str
    category: str


class SuggestionOut(BaseModel):
    """What is suggested for a listing, pooled from its photos. `top` ranks all categories."""

    category: str
    confidence: float
    decision: str
    top: list[Ranked]
    model_version: int
    photo_count: int = Field(description="How many photos have an answer.")
    differing: list[DifferingOut]

    @classmethod
    def of(cls, suggestion: Suggestion) -> SuggestionOut:
        """The public view of a suggestion."""
        return cls(
            **dict(suggestion.answer),
            model_version=suggestion.model_version,
            photo_count=suggestion.photo_count,
            differing=[
                DifferingOut(photo_id=photo_id, category=category)
                for photo_id, category in suggestion.differing.items()
            ],
        )


class ChoiceOut(BaseModel):
    """One decision: what was chosen by whom, and what was suggested at that moment by which version."""

    category: str
    suggested: str | None
    confidence: float | None
    model_version: int | None
    chosen_by: str
    chosen_at: str

    @classmethod
    def of(cls, choice: CategoryChoice, names: dict[str, str]) -> ChoiceOut:
        """The public view of a choice; `names` has the people by id."""
        return cls(
            category=choice.chosen,
            suggested=choice.suggested,
            confidence=choice.confidence,
            model_version=choice.model_version,
            chosen_by=names.get(choice.actor_id, ""),
            chosen_at=rfc3339(choice.created_at) or "",
        )


class ListingOut(BaseModel):
    """One listing. `category` is what was chosen, null until somebody has; `choices` is newest first."""

    id: str
    title: str
    created_at: str
    category: str | None
    corrected: bool = Field(description="Another category was chosen than was suggested.")
    photos: list[PhotoOut]
    suggestion: SuggestionOut | None
    choices: list[ChoiceOut]

    @classmethod
    def of(
        cls,
        listing: Listing,
        photos: list[Photo],
        suggestion: Suggestion | None,
        choices: list[ChoiceOut],
    ) -> ListingOut:
        """The public view of a listing row and what belongs to it."""
        return cls(
            id=listing.id,
            title=listing.title,
            created_at=rfc3339(listing.created_at) or "",
            category=listing.chosen,
            corrected=listing.corrected,
            photos=[PhotoOut.of(photo) for photo in photos],
            suggestion=SuggestionOut.of(suggestion) if suggestion else None,
            choices=choices,
        )


class ListingsOut(BaseModel):
    """One page of listings, newest first. The Link header names the next page."""

    listings: list[ListingOut]
    next_cursor: str | None
