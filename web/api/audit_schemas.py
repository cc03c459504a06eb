"""What goes in and out of the API about the audit log."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from shared.audit import MAX_ACTOR_CHARACTERS, Action
from web.api.schemas import MAX_LIMIT, Input

MOST_EVENTS = 2**31 - 1


class AuditQuery(Input):
    """Which events to list."""

    action: Action | None = None
    actor: str | None = Field(None, max_length=MAX_ACTOR_CHARACTERS)
    cursor: int | None = Field(None, ge=1, le=MOST_EVENTS, description="From the link to the next page.")
    limit: int = Field(50, ge=1, le=MAX_LIMIT)


class AuditEventOut(BaseModel):
    """One act, chained to the one before by its digest."""

    number: int
    created_at: str
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    request_id: str | None
    digest: str


class AuditEventsOut(BaseModel):
    """One page of events, newest first. The Link header names the next page."""

    events: list[AuditEventOut]
    next_cursor: int | None
