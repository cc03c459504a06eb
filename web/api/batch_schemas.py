"""Batches as they go in and out of the API."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from shared.batches import Item, ItemState
from shared.public_views import BatchOut, JobErrorOut
from web.api.schemas import MAX_LIMIT, Input


class BatchesQuery(Input):
    """Which batches to list."""

    cursor: str | None = Field(
        None, pattern=r"^[0-9a-f-]{36}$", description="From the link to the next page."
    )
    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="How many at most.")


class ItemOut(BaseModel):
    """One file of a batch and what became of it."""

    position: int = Field(description="Its place in the request, from 0.")
    name: str = Field(description="Its name and folders as sent, made safe to show.")
    state: ItemState = Field(
        description="That of its job; `refused` without one, `deleted` when its photo was deleted."
    )
    job_id: str | None = Field(description="The job that classifies it.")
    photo_id: str | None = Field(description="The photo, as long as it is stored.")
    result: dict[str, Any] | None = Field(description="The answer, as in the job's `result`.")
    error: JobErrorOut | None = Field(description="Why there is no answer.")

    @classmethod
    def of(cls, item: Item) -> ItemOut:
        """The public view of one file."""
        error = item.error_code and JobErrorOut(code=item.error_code, message=item.error_message or "")
        return cls(
            position=item.position,
            name=item.name,
            state=item.state,
            job_id=item.job.id if item.job else None,
            photo_id=item.job.photo_id if item.job else None,
            result=item.job.result if item.job else None,
            error=error or None,
        )


class BatchAnswer(BaseModel):
    """A batch and the outcome of each of its files, in the order in which they were sent."""

    batch: BatchOut
    items: list[ItemOut]


class BatchesOut(BaseModel):
    """One page of batches, newest first. The Link header names the next page."""

    batches: list[BatchOut]
    next_cursor: str | None = Field(description="Where the next page begins; null at the end.")
