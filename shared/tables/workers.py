"""Signs of life of worker processes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.tables.base import Base


class WorkerHeartbeat(Base):
    """The last sign of life of a worker process: what it is, its engine, its memory."""

    __tablename__ = "worker_heartbeat"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # predict, train or maintain
    engine: Mapped[str | None] = mapped_column(String(20))
    device: Mapped[str | None] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(String(500))  # a fallback, said in words
    gpu: Mapped[str | None] = mapped_column(String(200))  # how busy it is, where there is one
    serving: Mapped[
        int | None
    ]  # the version it answers with; another than the champion's while that is refused
    resident_bytes: Mapped[int] = mapped_column(
        BigInteger
    )  # a GPU worker has more than the 2 GiB of an integer
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
