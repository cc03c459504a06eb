"""The words pages use for states, kinds, categories and shares. One voice, defined once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.jobs.states import JobKind, JobState
from shared.models.confidence import ASK, SUGGEST_AT, SURE_AT

Tone = Literal["good", "warn", "bad", "busy", "quiet"]
Level = Literal["sure", "likely", "ask"]


@dataclass(frozen=True, slots=True)
class StateWord:
    """How a job's state is shown: never by colour alone."""

    word: str
    icon: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure an answer is, in words."""

    level: Level
    word: str


STATE_WORDS = {
    JobState.QUEUED: StateWord("Waiting", "clock", "quiet"),
    JobState.RUNNING: StateWord("Running", "turning", "busy"),
    JobState.SUCCEEDED: StateWord("Done", "check", "good"),
    JobState.FAILED: StateWord("Failed", "cross", "bad"),
    JobState.CANCELLED: StateWord("Cancelled", "minus", "quiet"),
    JobState.QUARANTINED: StateWord("Quarantined", "flag", "warn"),
}
# What sellers read instead: no word that one has to run Hangtag to understand.
SELLER_STATE_WORDS = {
    **STATE_WORDS,
    JobState.RUNNING: StateWord("Looking", "turning", "busy"),
    JobState.QUARANTINED: StateWord("Set aside", "flag", "warn"),
}
CONFIDENCES = {
    "sure": Confidence("sure", "Sure"),
    "likely": Confidence("likely", "Likely"),
    "ask": Confidence("ask", "Please choose"),
}
KIND_WORDS = {
    JobKind.CLASSIFY: "Photo",
    JobKind.TRAIN: "Training",
    JobKind.SWEEP: "Sweep",
    JobKind.REPORT: "Dataset report",
    JobKind.QUANTIZE: "8-bit check",
    JobKind.RESCORE: "Comparison",
    JobKind.IMAGENET: "Untouched network",
    JobKind.TRY: "Try-out",
}


def state_words(*, operator: bool) -> dict[JobState, StateWord]:
    """The word, icon and tone of each state of a job, for operators or for sellers."""
    return STATE_WORDS if operator else SELLER_STATE_WORDS


def kind_word(kind: JobKind) -> str:
    """What a job of this kind is called on a page."""
    return KIND_WORDS.get(kind, kind.value.capitalize())


def confidence(probability: float, decision: str) -> Confidence:
    """How sure an answer is. What the worker left to the seller stays with the seller."""
    if decision == ASK or probability < SUGGEST_AT:
        return CONFIDENCES["ask"]
    return CONFIDENCES["sure" if probability >= SURE_AT else "likely"]


def category_label(category: str) -> str:
    """A category as people read it: `t-shirt` becomes "T-shirt"."""
    text = category.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage; a dash where there was nothing to count."""
    if share is None:
        return "–"
    smallest = 10.0**-digits
    if 0 < share * 100 < smallest / 2:
        return f"< {smallest:.{digits}f} %"
    return f"{share * 100:.{digits}f} %"


def plural(count: int, one: str, many: str) -> str:
    """A count with its noun: "1 photo", "3 photos"."""
    return f"{count:,} {one if count == 1 else many}"


def enumeration(names: Sequence[str], most: int = 3) -> str:
    """Names in a sentence: "Dress", "Dress and Hat", "Dress, Hat, Shirt and 2 more"."""
    shown = list(names[:most])
    last = f"{len(names) - most} more" if len(names) > most else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last


def sentence_case(name: str) -> str:
    """A field name as a label: `learning_rate` becomes "Learning rate"."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
