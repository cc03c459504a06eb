"""The base class of all tables: column types, constraint names and ids."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, MetaData, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase
from uuid_utils import uuid7

from shared.jobs.states import JobKind, JobState, Split, TrialState
from shared.webhooks.states import DeliveryState

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# The largest number an integer column holds everywhere; above it databases complain, and find nothing.
MAX_INTEGER = 2**31 - 1


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware moments; SQLite keeps no zone, so it is taken off and put back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment whose zone is unknown and store it in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment back in UTC."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class EnumText(TypeDecorator[Any]):
    """A StrEnum stored by its value, readable in any SQL client."""

    impl = String(20)
    cache_ok = True

    def __init__(self, kind: type[JobKind | JobState | Split | TrialState | DeliveryState]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        """Refuse anything that is not a member."""
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        """Give the member back."""
        return None if value is None else self.kind(value)


def new_id() -> str:
    """A UUID version 7: unguessable enough, and ordered by time so that indexes stay compact."""
    return str(uuid7())


def id_at(moment: datetime) -> str:
    """What lies before all ids made from this moment on (RFC 9562, section 5.7: milliseconds come first)."""
    milliseconds = f"{max(0, round(moment.timestamp() * 1000)):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"


def moment_of(row_id: str) -> datetime:
    """When an id was made."""
    return datetime.fromtimestamp(int(row_id[:8] + row_id[9:13], 16) / 1000, UTC)


class Base(DeclarativeBase):
    """Common column types and constraint names."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own attribute
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        JobKind: EnumText(JobKind),
        JobState: EnumText(JobState),
        Split: EnumText(Split),
        TrialState: EnumText(TrialState),
        DeliveryState: EnumText(DeliveryState),
    }
