"""One card per photo: the same size in every state, so that nothing on the page jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import PhotoDeletedError
from shared.jobs.states import JobState
from shared.tables import Job, Photo
from web.pages.present.words import Confidence, category_label, confidence, percent

CardState = Literal["uploading", "queued", "working", "answered", "asks", "failed"]

TITLES: dict[CardState, str] = {
    "uploading": "Uploading",
    "queued": "Waiting",
    "working": "Looking",
    "asks": "Please choose",
    "failed": "No answer",
}
NOTES: dict[CardState, str] = {
    "uploading": "On its way",
    "queued": "Next in line soon",
    "working": "A moment, please",
    "asks": "Not sure enough",
    "failed": "See why below",
}
CANCELLED = "You stopped this one. Try it again to get a suggestion."
UNEXPLAINED = "Something went wrong with this photo. Please try it again."


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One of the categories in question."""

    label: str
    figure: str
    width: float  # of its bar, 0 to 100


@dataclass(frozen=True, slots=True)
class PhotoCard:
    """Everything a photo card shows."""

    state: CardState
    title: str
    note: str
    name: str = ""
    figure: str = ""
    level: str = "blank"
    job_id: str | None = None
    photo_id: str | None = None
    suggestions: tuple[Suggestion, ...] = ()
    message: str = ""
    retryable: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen to this card by itself."""
        return self.state in ("answered", "asks", "failed")

    @property
    def spoken(self) -> str:
        """The outcome as one sentence, for screen readers."""
        if self.state == "answered":
            return f"{self.name}: {self.title}, {self.note.lower()}."
        if self.state == "asks":
            return f"{self.name}: not sure, please choose."
        return f"{self.name}: {self.message or self.title}"


def blank_card(state: CardState) -> PhotoCard:
    """A card without a photo yet, for the browser to fill."""
    level = "bad" if state == "failed" else "blank"
    return PhotoCard(state=state, title=TITLES[state], note=NOTES[state], level=level)


def photo_card(job: Job, photo: Photo | None) -> PhotoCard:
    """The card of a classify job."""
    known: dict[str, Any] = {
        "job_id": job.id,
        "photo_id": job.photo_id,
        "name": photo.name if photo else "photo",
    }
    if job.state is JobState.SUCCEEDED and job.result:
        return _answered(job.result, known)
    if job.state in (JobState.QUEUED, JobState.RUNNING):
        state: CardState = "queued" if job.state is JobState.QUEUED else "working"
        return PhotoCard(state=state, title=TITLES[state], note=NOTES[state], **known)
    message = CANCELLED if job.state is JobState.CANCELLED else job.error_message or UNEXPLAINED
    return PhotoCard(
        state="failed",
        title=TITLES["failed"],
        note=NOTES["failed"],
        level="bad",
        message=message,
        retryable=job.state is not JobState.QUARANTINED and job.error_code != PhotoDeletedError.code,
        **known,
    )


def unlooked_card(photo: Photo) -> PhotoCard:
    """The card of a photo whose jobs are gone."""
    return PhotoCard(
        state="failed",
        title=TITLES["failed"],
        note=NOTES["failed"],
        name=photo.name,
        level="bad",
        photo_id=photo.id,
        message="Nobody has looked at this photo yet. Add it again to get a suggestion.",
    )


@dataclass(frozen=True, slots=True)
class Count:
    """How many cards are in one of some states."""

    number: int
    words: str
    states: tuple[CardState, ...]


COUNTED: tuple[tuple[str, tuple[CardState, ...]], ...] = (
    ("on the way", ("uploading", "queued", "working")),
    ("answered", ("answered",)),
    ("not sure", ("asks",)),
    ("without an answer", ("failed",)),
)


def counts(cards: list[PhotoCard]) -> list[Count]:
    """How the cards of a page stand, in the order people care about."""
    return [Count(sum(card.state in states for card in cards), words, states) for words, states in COUNTED]


def _answered(result: dict[str, Any], known: dict[str, Any]) -> PhotoCard:
    sure: Confidence = confidence(result["confidence"], result["decision"])
    asks = sure.level == "ask"
    return PhotoCard(
        state="asks" if asks else "answered",
        title=TITLES["asks"] if asks else category_label(result["category"]),
        note=NOTES["asks"] if asks else sure.word,
        figure="" if asks else percent(result["confidence"]),
        level=sure.level,
        suggestions=tuple(suggestion(entry) for entry in result["top"][:3]),
        **known,
    )


def suggestion(entry: dict[str, Any]) -> Suggestion:
    """One entry of an answer's `top`."""
    probability = float(entry["probability"])
    return Suggestion(category_label(entry["category"]), percent(probability), round(probability * 100, 1))
