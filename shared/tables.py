"""The database tables. Job state, photos, predictions and versions all live here and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from uuid_utils import uuid7

from shared.clock import utc_now
from shared.jobs.states import JobKind, JobState, Split

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


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

    def __init__(self, kind: type[JobKind | JobState | Split]) -> None:
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
    }


class User(Base):
    """Somebody who may sign in. `role` is seller, reviewer or admin."""

    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (CheckConstraint("role IN ('seller', 'reviewer', 'admin')", name="role"),)


class SignInLink(Base):
    """A link that signs one person in once. Only the SHA-256 of its token is kept."""

    __tablename__ = "sign_in_link"

    token_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WebSession(Base):
    """A signed-in browser. Deleting the row signs it out."""

    __tablename__ = "web_session"

    token_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]


class ApiKey(Base):
    """A bearer key with scopes. Only the SHA-256 of it is kept; `prefix` lets people recognise it."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Photo(Base):
    """One owner's photo. The pixels are a blob under `digest`, shared by all photos with the same pixels."""

    __tablename__ = "photo"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    digest: Mapped[str] = mapped_column(String(64), index=True)
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (UniqueConstraint("owner_id", "digest"),)


# A job that ended neither well nor on request, and nobody has dealt with it. Said without naming its states:
# SQLite would take an index over states for that, and read every failure there ever was.
OPEN_FAILURE = (
    "finished_at IS NOT NULL AND state NOT IN ('succeeded', 'cancelled') "
    "AND discarded_at IS NULL AND retried_as IS NULL"
)


class Job(Base):
    """One unit of background work. The row is the job; a message in Redis is only a wake-up."""

    __tablename__ = "job"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    kind: Mapped[JobKind]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    photo_id: Mapped[str | None] = mapped_column(ForeignKey("photo.id"))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3)
    run_after: Mapped[datetime] = mapped_column(default=utc_now)
    last_dispatch_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    stage: Mapped[str | None] = mapped_column(String(40))
    done: Mapped[int | None]
    total: Mapped[int | None]
    eta_seconds: Mapped[float | None]
    heartbeat_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(60))
    error_message: Mapped[str | None] = mapped_column(String(500))
    result: Mapped[dict[str, Any] | None]
    # What people decided about a job that has ended; its state stays what it was.
    retried_as: Mapped[str | None] = mapped_column(String(36))  # the id of the job that took its place
    discarded_at: Mapped[datetime | None]
    discarded_by: Mapped[str | None] = mapped_column(String(120))

    __table_args__ = (
        CheckConstraint(
            "(state IN ('succeeded', 'failed', 'cancelled', 'quarantined')) = (finished_at IS NOT NULL)",
            name="finished_when_terminal",
        ),
        CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="leased_when_running"),
        Index("ix_job_claim", "state", "kind", "run_after", "id"),
        Index("ix_job_owner", "owner_id", "id"),
        Index("ix_job_state", "state", "id"),
        Index(
            "ix_job_error",
            "error_code",
            "id",
            sqlite_where=text("error_code IS NOT NULL"),
            postgresql_where=text("error_code IS NOT NULL"),
        ),
        Index(
            "ix_job_open_failure",
            "kind",
            "error_code",
            "error_message",
            "finished_at",
            "state",
            "id",
            sqlite_where=text(OPEN_FAILURE),
            postgresql_where=text(OPEN_FAILURE),
        ),
    )


class IdempotencyKey(Base):
    """The first answer to a creating request, for whoever sends it again with the same key."""

    __tablename__ = "idempotency_key"

    owner_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class Attempt(Base):
    """One run of a job: by whom, from when to when, and how it ended."""

    __tablename__ = "attempt"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(String(120))
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(String(500))


class ModelVersion(Base):
    """A trained head with everything needed to serve it, judge it and make it again."""

    __tablename__ = "model_version"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    classes: Mapped[list[Any]]
    base_digest: Mapped[str] = mapped_column(String(64))
    image_size: Mapped[int]
    preprocessing: Mapped[int]
    feature_space: Mapped[str] = mapped_column(String(80))
    head_digest: Mapped[str] = mapped_column(String(64))
    metrics: Mapped[dict[str, Any]]
    lineage: Mapped[dict[str, Any]]
    job_id: Mapped[str | None] = mapped_column(ForeignKey("job.id"), unique=True)


class Alias(Base):
    """A movable name for a version; `champion` answers sellers."""

    __tablename__ = "alias"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[int] = mapped_column(ForeignKey("model_version.number"))


class AliasChange(Base):
    """Who moved an alias where, when and why."""

    __tablename__ = "alias_change"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(60), index=True)
    before: Mapped[int | None]
    after: Mapped[int]
    actor: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Prediction(Base):
    """The answer of one model version for one photo. There is at most one."""

    __tablename__ = "prediction"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    photo_id: Mapped[str] = mapped_column(ForeignKey("photo.id", ondelete="CASCADE"))
    model_version: Mapped[int] = mapped_column(ForeignKey("model_version.number"))
    category: Mapped[str] = mapped_column(String(80))
    confidence: Mapped[float]
    decision: Mapped[str] = mapped_column(String(20))
    top: Mapped[list[Any]]
    engine: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (UniqueConstraint("photo_id", "model_version"),)


class Example(Base):
    """A photo with a label and a split, and where the label came from."""

    __tablename__ = "example"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    split: Mapped[Split]
    source: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class DatasetVersion(Base):
    """An immutable list of examples under the SHA-256 of that list."""

    __tablename__ = "dataset_version"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    classes: Mapped[list[Any]]
    counts: Mapped[dict[str, Any]]  # split -> label -> number of examples
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class DatasetExample(Base):
    """One line of a dataset version. Label and split are copied: later corrections do not reach in here."""

    __tablename__ = "dataset_example"

    dataset_version: Mapped[int] = mapped_column(ForeignKey("dataset_version.number"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(80))
    split: Mapped[Split]


class TrainingEpoch(Base):
    """The figures of one epoch of a training job, written as it runs."""

    __tablename__ = "training_epoch"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    loss: Mapped[float]
    accuracy: Mapped[float]
    val_loss: Mapped[float]
    val_accuracy: Mapped[float]
    seconds: Mapped[float]


class WorkerHeartbeat(Base):
    """The last sign of life of a worker process: what it is, its engine, its memory."""

    __tablename__ = "worker_heartbeat"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # predict, train or maintain
    engine: Mapped[str | None] = mapped_column(String(20))
    device: Mapped[str | None] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(String(500))  # a fallback, said in words
    serving: Mapped[
        int | None
    ]  # the version it answers with; another than the champion's while that is refused
    resident_bytes: Mapped[int] = mapped_column(
        BigInteger
    )  # a GPU worker has more than the 2 GiB of an integer
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
