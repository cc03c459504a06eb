"""What goes in and out of the API, as Pydantic models; the OpenAPI file is made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from shared.clock import rfc3339
from shared.jobs.outcome import Outcome
from shared.jobs.states import Handling, JobKind, JobState
from shared.models.hyperparameters import PRESETS
from shared.paging import Page
from shared.public_views import JobOut
from shared.tables import MAX_INTEGER, DatasetVersion, EngineGate, Job, ModelVersion, Photo
from web.checks import Check

MAX_LIMIT = 200


def _of_our_time(moment: datetime) -> datetime:
    """Refuse moments which have no counterpart in UTC that can be written down."""
    if not 1970 <= moment.year < 9999:
        raise ValueError("The year has to lie between 1970 and 9998.")
    return moment


# A moment in an address: RFC 3339 with its zone.
Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]


class Input(BaseModel):
    """What a client sends: unknown members are refused, so that a typing error is noticed."""

    model_config = ConfigDict(extra="forbid")


class WaitQuery(Input):
    """How long to wait for the end of a job before answering."""

    wait: float = Field(0, ge=0, le=60, description="Seconds to wait for the job to end.")


class JobsQuery(Input):
    """Which jobs to list."""

    state: JobState | None = None
    kind: JobKind | None = None
    error_code: str | None = Field(None, pattern=r"^[a-z0-9_]{1,60}$", description="Of its last error.")
    handled: Handling | None = Field(None, description="Only failures, and only those that stand like this.")
    ended_from: Moment | None = Field(None, description="Only jobs that ended at this moment or later.")
    ended_before: Moment | None = Field(None, description="Only jobs that ended before this moment.")
    category: str | None = Field(None, max_length=80, description="Only photos with this answer.")
    decision: Literal["suggest", "ask"] | None = Field(None, description="Only photos with such an answer.")
    model_version: int | None = Field(None, ge=1, le=MAX_INTEGER, description="Only what it has answered.")
    cursor: str | None = Field(
        None, pattern=r"^[0-9a-f-]{36}$", description="From the link to the next page."
    )
    limit: int = Field(50, ge=1, le=MAX_LIMIT)

    def chosen(self) -> dict[str, Any]:
        """The filters as `shared.jobs.store.page` takes them."""
        names = {field.name for field in fields(Outcome)}
        outcome = Outcome(**self.model_dump(include=names))
        return {**self.model_dump(exclude=names), "outcome": outcome}


class TrainingIn(BaseModel):
    """A training: a preset, and what differs from it."""

    model_config = ConfigDict(extra="allow")

    preset: str = Field("best", json_schema_extra={"enum": list(PRESETS)})
    dataset_version: int | None = Field(None, ge=1, description="The newest one when left out.")


class PhotoOut(BaseModel):
    """One photo as Hangtag keeps it: upright JPEG without metadata."""

    id: str
    name: str
    width: int
    height: int
    sha256: str
    url: str
    thumbnail_url: str
    created_at: str

    @classmethod
    def of(cls, photo: Photo) -> PhotoOut:
        """The public view of a photo row."""
        url = f"/api/v1/photos/{photo.id}"
        return cls(
            id=photo.id,
            name=photo.name,
            width=photo.width,
            height=photo.height,
            sha256=photo.digest,
            url=url,
            thumbnail_url=f"{url}/thumbnail",
            created_at=rfc3339(photo.created_at) or "",
        )


class JobAnswer(BaseModel):
    """A job that was made or looked up."""

    job: JobOut


class ClassificationOut(BaseModel):
    """An accepted photo and the job that classifies it."""

    job: JobOut
    photo: PhotoOut


class JobsOut(BaseModel):
    """One page of jobs, newest first. The Link header names the next page."""

    jobs: list[JobOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Job, str], photo_names: Mapping[str, str]) -> JobsOut:
        """The public view of a page of job rows."""
        jobs = [JobOut.of(job, photo_names.get(job.photo_id or "")) for job in page.items]
        return cls(jobs=jobs, next_cursor=page.next_cursor)


class LogOut(BaseModel):
    """The end of a job's log."""

    lines: list[str]


class EpochOut(BaseModel):
    """The figures of one epoch."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


class MetricsOut(BaseModel):
    """The epochs of a training so far."""

    epochs: list[EpochOut]


class Int8Out(BaseModel):
    """Whether a version may answer through the int8 engine; `passed` is null while that is being judged."""

    passed: bool | None
    reason: str | None
    figures: dict[str, Any] | None
    dataset_version: int
    openvino: str = Field(description="The release of OpenVINO that the judgement holds for.")
    job_id: str

    @classmethod
    def of(cls, gate: EngineGate) -> Int8Out:
        """The public view of a gate row."""
        return cls(**{name: getattr(gate, name) for name in cls.model_fields})


class VersionOut(BaseModel):
    """One model version."""

    number: int
    created_at: str
    classes: list[str]
    image_size: int
    feature_space: str
    metrics: dict[str, Any]
    lineage: dict[str, Any] = Field(description="Where it comes from; empty for sellers.")
    aliases: list[str]
    diagnostic: bool = Field(description="It can be tried on photos, and never answers sellers.")
    int8: Int8Out | None = Field(None, description="Null: nobody has looked at its int8 engine yet.")
    moved: bool | None = Field(
        None,
        exclude_if=lambda moved: moved is None,
        description="Of a promotion: false when it was the champion before.",
    )

    @classmethod
    def of(cls, version: ModelVersion, aliases: dict[str, int], gate: EngineGate | None = None) -> VersionOut:
        """The public view of a version row."""
        return cls(
            number=version.number,
            created_at=rfc3339(version.created_at) or "",
            classes=version.classes,
            image_size=version.image_size,
            feature_space=version.feature_space,
            metrics=version.metrics,
            lineage=version.lineage,
            aliases=[name for name, number in aliases.items() if number == version.number],
            diagnostic=version.diagnostic,
            int8=Int8Out.of(gate) if gate else None,
        )


class VersionsOut(BaseModel):
    """All versions, newest first."""

    versions: list[VersionOut]


class DatasetOut(BaseModel):
    """One immutable list of examples."""

    number: int
    sha256: str
    classes: list[str]
    counts: dict[str, dict[str, int]]
    created_at: str

    @classmethod
    def of(cls, version: DatasetVersion) -> DatasetOut:
        """The public view of a dataset version row."""
        return cls(
            number=version.number,
            sha256=version.digest,
            classes=version.classes,
            counts=version.counts,
            created_at=rfc3339(version.created_at) or "",
        )


class DatasetsOut(BaseModel):
    """All dataset versions, newest first."""

    versions: list[DatasetOut]


class CheckOut(BaseModel):
    """One thing Hangtag depends on."""

    ok: bool
    detail: str

    @classmethod
    def of(cls, check: Check) -> Self:
        """As the API says it."""
        return cls(ok=check.ok, detail=check.detail)


class ReadyOut(BaseModel):
    """Whether Hangtag can take and answer photos. `degraded` means that it takes them but answers later."""

    ready: bool
    degraded: bool
    checks: dict[str, CheckOut]


class LiveOut(BaseModel):
    """The web process runs."""

    live: bool


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[dict[str, str]] | None = None
