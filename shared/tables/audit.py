"""What people did that matters later, as a chain in which no link can be changed unseen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.tables.base import Base


class AuditEvent(Base):
    """One act. `digest` covers this row and that of the row before; triggers refuse UPDATE and DELETE."""

    __tablename__ = "audit_event"

    # Counted by shared.audit and not by the database, so that a missing number is a missing row.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]]
    request_id: Mapped[str | None] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_audit_event_action", "action", "number"),
        Index("ix_audit_event_actor", "actor", "number"),
    )
