"""Whether the int8 engine of a model version may serve."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import utc_now
from shared.tables.base import Base


class EngineGate(Base):
    """The judgement over one version's int8 engine; `passed` is None until it is made."""

    __tablename__ = "engine_gate"

    model_version: Mapped[int] = mapped_column(
        ForeignKey("model_version.number"), primary_key=True, autoincrement=False
    )
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"))
    dataset_version: Mapped[int] = mapped_column(ForeignKey("dataset_version.number"))
    openvino: Mapped[str] = mapped_column(String(40))  # the release it holds for
    network_digest: Mapped[str | None] = mapped_column(String(64))
    passed: Mapped[bool | None]
    figures: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
