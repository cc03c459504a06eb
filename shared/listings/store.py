"""All listing SQL: make, find, list, change, choose a category, remove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.database import insert_if_absent
from shared.datasets import labels
from shared.errors import ConflictError, NotFoundError, ValidationError
from shared.listings.suggestion import suggestions
from shared.paging import Page, newest_first
from shared.photos import store as photo_store
from shared.tables import CategoryChoice, Listing, ListingPhoto, Photo

MAX_TITLE = 120
# The largest marketplaces take 10 to 24 photos of an item; thirty leave room and keep a page quick.
MAX_PHOTOS = 30
FULL = f"A listing has at most {MAX_PHOTOS} photos. Begin another one for the rest."
# Positions only compare; this leaves room to count on when photos come and go, and fits every database.
MAX_POSITION = 1_000_000
# Every choice stays as a row; nobody changes their mind this often.
MAX_CHOICES = 100


class ChoiceFilter(StrEnum):
    """Which listings to list."""

    NEEDED = "needed"  # nobody has chosen a category yet
    CHOSEN = "chosen"  # somebody has
    CORRECTED = "corrected"  # somebody chose another one than was suggested


def create(session: Session, owner_id: str, title: str = "", photo_ids: Collection[str] = ()) -> Listing:
    """Begin a listing, with photos its owner has sent before if that is wanted.

    Raises:
        NotFoundError: a photo is unknown, or somebody else's.
        ValidationError: the title is too long, or there are too many photos.
    """
    listing = Listing(owner_id=owner_id, title=_checked_title(title))
    session.add(listing)
    session.flush()
    for photo_id in photo_ids:
        add_photo(session, listing, photo_store.find(session, photo_id, owner_id))
    return listing


def find(session: Session, listing_id: str, owner_id: str | None = None, *, change: bool = False) -> Listing:
    """The listing with this id; with `owner_id`, only if it is theirs; with `change`, locked for writing.

    Raises:
        NotFoundError: unknown, removed, or somebody else's.
    """
    listing = session.get(Listing, listing_id, with_for_update=change)
    gone = listing is None or listing.removed_at is not None
    if listing is None or gone or (owner_id is not None and listing.owner_id != owner_id):
        raise NotFoundError("There is no listing with this id.")
    return listing


def page(
    session: Session,
    *,
    owner_id: str | None = None,
    search: str | None = None,
    choice: ChoiceFilter | None = None,
    suggested: str | None = None,
    chosen_from: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Listing, str]:
    """One page of listings, newest first. `cursor` is the last id of the page before."""
    query = _matching(owner_id, search, choice, suggested, chosen_from)
    return newest_first(session, query, Listing.id, cursor, limit)


def rename(listing: Listing, title: str) -> None:
    """Give a listing another title.

    Raises:
        ValidationError: it is too long.
    """
    listing.title = _checked_title(title)


def add_photo(session: Session, listing: Listing, photo: Photo, position: int | None = None) -> None:
    """Add a photo of the listing's owner: at its position, or after the last one. One that the listing has
    already stays where it is.

    Raises:
        ValidationError: there are as many as a listing takes.
    """
    count = session.scalar(
        select(func.count()).select_from(ListingPhoto).where(ListingPhoto.listing_id == listing.id)
    )
    known = session.get(ListingPhoto, (listing.id, photo.id)) is not None
    if (count or 0) >= MAX_PHOTOS and not known:
        raise ValidationError(FULL)
    place = last_position(session, listing) + 1 if position is None else position
    insert_if_absent(session, ListingPhoto, listing_id=listing.id, photo_id=photo.id, position=place)
    if listing.chosen is not None:
        labels.settle(session, photo.digest)


def last_position(session: Session, listing: Listing) -> int:
    """The position of a listing's last photo; 0 without photos."""
    last = select(func.max(ListingPhoto.position)).where(ListingPhoto.listing_id == listing.id)
    return session.scalar(last) or 0


def make_cover(session: Session, listing: Listing, photo_id: str) -> None:
    """Move a photo of a listing before all others.

    Raises:
        NotFoundError: the listing does not have it.
    """
    row = _photo_row(session, listing, photo_id)
    first = select(func.min(ListingPhoto.position)).where(ListingPhoto.listing_id == listing.id)
    row.position = session.scalars(first).one() - 1


def remove_photo(session: Session, listing: Listing, photo_id: str) -> None:
    """Take a photo out of a listing; the photo itself stays.

    Raises:
        NotFoundError: the listing does not have it.
    """
    session.delete(_photo_row(session, listing, photo_id))
    session.flush()
    labels.settle(session, photo_store.find(session, photo_id).digest)


def photos(session: Session, listing_ids: Collection[str]) -> dict[str, list[Photo]]:
    """The photos of these listings, in their order."""
    rows = session.execute(
        select(ListingPhoto.listing_id, Photo)
        .join(Photo, Photo.id == ListingPhoto.photo_id)
        .where(ListingPhoto.listing_id.in_(listing_ids))
        .order_by(ListingPhoto.position, ListingPhoto.photo_id)
    )
    found: dict[str, list[Photo]] = defaultdict(list)
    for listing_id, photo in rows:
        found[listing_id].append(photo)
    return found


def showing(session: Session, photo_id: str) -> list[Listing]:
    """The listings that show a photo, oldest first."""
    rows = session.scalars(
        select(Listing)
        .join(ListingPhoto, ListingPhoto.listing_id == Listing.id)
        .where(ListingPhoto.photo_id == photo_id, Listing.removed_at.is_(None))
        .order_by(Listing.id)
    )
    return list(rows)


def choose(session: Session, listing: Listing, actor_id: str, answer: str) -> CategoryChoice:
    """Write down a decision about a listing, with what was suggested, and label its photos accordingly.

    Raises:
        ValidationError: the answer is neither a category nor one of the other answers, or the listing has
            no photo yet.
        ConflictError: it was decided on too often.
    """
    labels.check_answer(session, answer)
    shown = photos(session, [listing.id])[listing.id]
    if not shown:
        raise ValidationError("Add a photo first, then choose its category.")
    made = select(func.count()).select_from(CategoryChoice).where(CategoryChoice.listing_id == listing.id)
    if (session.scalar(made) or 0) >= MAX_CHOICES:
        raise ConflictError(
            f"The category of this listing was chosen {MAX_CHOICES} times. Begin a new listing."
        )
    suggestion = suggestions(session, [listing.id]).get(listing.id)
    first = suggestion.answer.category if suggestion else None
    # Who was asked to choose has corrected nothing.
    suggested = first if suggestion and suggestion.answer.decision == "suggest" else None
    choice = CategoryChoice(
        listing_id=listing.id,
        actor_id=actor_id,
        chosen=answer,
        suggested=first,
        confidence=suggestion.answer.confidence if suggestion else None,
        model_version=suggestion.model_version if suggestion else None,
    )
    session.add(choice)
    listing.chosen, listing.chosen_at = answer, utc_now()
    listing.suggested, listing.corrected = suggested, suggested not in (None, answer)
    session.flush()
    _settle(session, shown)
    return choice


def choices(session: Session, listing_ids: Collection[str]) -> dict[str, list[CategoryChoice]]:
    """Every decision about these listings, newest first."""
    rows = session.scalars(
        select(CategoryChoice)
        .where(CategoryChoice.listing_id.in_(listing_ids))
        .order_by(CategoryChoice.id.desc())
    )
    found: dict[str, list[CategoryChoice]] = defaultdict(list)
    for row in rows:
        found[row.listing_id].append(row)
    return found


def remove(session: Session, listing: Listing) -> None:
    """Take a listing away. Its photos stay, and no longer count as examples because of it."""
    listing.removed_at = utc_now()
    session.flush()
    _settle(session, photos(session, [listing.id])[listing.id])


def _matching(
    owner_id: str | None,
    search: str | None,
    choice: ChoiceFilter | None,
    suggested: str | None,
    chosen_from: datetime | None,
) -> Select[Listing]:
    """The listings that match. `search` looks for a part of the title in any case; `suggested` is what the
    seller was shown when they chose, at `chosen_from` or later."""
    query = select(Listing).where(Listing.removed_at.is_(None))
    if owner_id is not None:
        query = query.where(Listing.owner_id == owner_id)
    if search:
        query = query.where(Listing.title.icontains(search, autoescape=True))
    if choice is ChoiceFilter.NEEDED:
        query = query.where(Listing.chosen.is_(None))
    elif choice is not None:
        query = query.where(Listing.chosen.is_not(None))
    if choice is ChoiceFilter.CORRECTED:
        query = query.where(Listing.corrected)
    if suggested is not None:
        query = query.where(Listing.suggested == suggested)
    if chosen_from is not None:
        query = query.where(Listing.chosen_at >= chosen_from)
    return query


def _photo_row(session: Session, listing: Listing, photo_id: str) -> ListingPhoto:
    row = session.get(ListingPhoto, (listing.id, photo_id))
    if row is None:
        raise NotFoundError("This photo is not in the listing.")
    return row


def _settle(session: Session, shown: list[Photo]) -> None:
    for digest in sorted({photo.digest for photo in shown}):
        labels.settle(session, digest)


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if len(title) > MAX_TITLE:
        raise ValidationError(f"A title has at most {MAX_TITLE} characters.")
    return title
