"""Batches as rows of a table, and their files as rows of another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.batches import Item, ItemState, Summary
from shared.jobs.states import JobState
from web.pages.present.words import (
    STATE_WORDS,
    Confidence,
    StateWord,
    category_label,
    confidence,
    percent,
    plural,
)

REFUSED = StateWord("Not used", "cross", "bad")
DELETED = StateWord("Deleted", "minus", "quiet")
DELETED_NOTE = "You deleted this photo."


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch in words."""

    id: str
    created_at: datetime
    total: int
    done: int
    title: str
    unfinished: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One file of a batch."""

    position: int
    name: str
    state: StateWord
    photo_id: str | None
    job_id: str | None
    category: str
    confidence: str
    figure: str
    error: str | None
    active: bool


def batch_row(summary: Summary) -> BatchRow:
    """A batch as pages show it."""
    counts = summary.counts
    waiting = counts.get(ItemState.QUEUED, 0) + counts.get(ItemState.RUNNING, 0)
    answered = counts.get(ItemState.SUCCEEDED, 0)
    deleted = counts.get(ItemState.DELETED, 0)
    without = summary.total - waiting - answered - deleted
    notes = (
        (waiting, "on the way"),
        (answered, "answered"),
        (without, "without an answer"),
        (deleted, "deleted"),
    )
    return BatchRow(
        id=summary.batch.id,
        created_at=summary.batch.created_at,
        total=summary.total,
        done=summary.total - waiting,
        title=plural(summary.total, "photo", "photos"),
        unfinished=summary.unfinished,
        notes=tuple(f"{number:,} {words}" for number, words in notes if number),
    )


def item_row(item: Item) -> ItemRow:
    """A file of a batch as its page shows it."""
    result = (item.job.result if item.job else None) or {}
    sure = confidence(result["confidence"], result["decision"]) if result else None
    return ItemRow(
        position=item.position,
        name=item.name,
        state=_state(item.state),
        photo_id=item.job.photo_id if item.job else None,
        job_id=item.job.id if item.job else None,
        category=category_label(result["category"]) if result else "",
        confidence=_how_sure(sure) if sure else "",
        figure=percent(result["confidence"]) if result else "",
        error=DELETED_NOTE if item.state is ItemState.DELETED else item.error_message,
        active=item.state in (ItemState.QUEUED, ItemState.RUNNING),
    )


def _how_sure(sure: Confidence) -> str:
    """How sure the answer is. In a list there is nothing to choose, so it does not ask for it."""
    return "Not sure" if sure.level == "ask" else sure.word


def _state(state: ItemState) -> StateWord:
    if state is ItemState.REFUSED:
        return REFUSED
    return DELETED if state is ItemState.DELETED else STATE_WORDS[JobState(state.value)]
