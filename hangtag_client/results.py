"""The server's answers as objects. What a newer server adds is in `as_json()`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from hangtag_client.errors import JobError

ENDED = ("succeeded", "failed", "cancelled", "quarantined")


def _as_the_server_writes_it(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_as_the_server_writes_it, when_used="json-unless-none")]


class Result(BaseModel):
    """An answer; it does not change."""

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    def as_json(self) -> dict[str, Any]:
        """The answer as the API gave it, for a program that wants JSON."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Ranked(Result):
    """A category and its probability, from 0 to 1."""

    category: str
    probability: float


class Suggestion(Result):
    """The answer for a photo, or for the photos of a listing. `decision` is `suggest` or `ask`."""

    category: str
    confidence: float
    decision: str
    top: list[Ranked]
    model_version: int


class Failure(Result):
    """Why there is no answer."""

    code: str
    message: str


class Progress(Result):
    """How far a job is."""

    stage: str | None
    done: int | None
    total: int | None
    eta_seconds: float | None


class Job(Result):
    """One unit of background work. `result` depends on its kind; lists also name the photo it is about."""

    id: str
    kind: str
    state: str
    attempt: int
    progress: Progress
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    error: Failure | None
    result: dict[str, Any] | None
    retried_as: str | None = None
    photo_name: str | None = None

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self.state in ENDED

    def outcome(self) -> dict[str, Any]:
        """The result of a job that succeeded.

        Raises:
            JobError: it did not, or has not ended yet.
        """
        if self.state == "succeeded" and self.result is not None:
            return self.result
        if self.error:
            raise JobError(self.id, self.error.code, self.error.message)
        if self.ended:
            raise JobError(self.id, self.state, f"Job {self.id} is {self.state} and has no answer.")
        text = f"Job {self.id} is {self.state} and goes on. Ask for it again, or wait longer."
        raise JobError(self.id, "not_finished", text)


class PlaceMap(Result):
    """What each place of a photo gave to its answer, row by row from the top: 255 most, 0 nothing."""

    width: int
    height: int
    values: list[list[int]]


class Why(Result):
    """Why a photo was answered as it was. `where` says in words where most of the map lies."""

    job_id: str
    photo_id: str
    category: str
    model_version: int
    where: str
    map: PlaceMap


class Photo(Result):
    """A photo as Hangtag keeps it. Addresses are below the server's."""

    id: str
    name: str
    width: int
    height: int
    sha256: str
    url: str
    thumbnail_url: str


class Classification(Result):
    """An accepted photo and the job that classifies it."""

    job: Job
    photo: Photo

    @property
    def suggestion(self) -> Suggestion:
        """The answer.

        Raises:
            JobError: there is none, or not yet.
        """
        return Suggestion.model_validate(self.job.outcome())


class BatchItem(Result):
    """One file of a batch and what became of it. `path` is the file it came from, where that is known."""

    position: int
    name: str
    state: str
    job_id: str | None
    photo_id: str | None
    suggestion: Suggestion | None = Field(None, alias="result")
    error: Failure | None
    path: Path | None = Field(None, exclude=True)


class Batch(Result):
    """A batch in figures; `counts` has the files by state."""

    id: str
    created_at: Moment
    total: int
    finished: bool
    counts: dict[str, int]


class BatchAnswer(Result):
    """A batch and its items, in the order in which they were sent."""

    batch: Batch
    items: list[BatchItem]


class Choice(Result):
    """A decision: what was chosen by whom, and what was suggested then."""

    category: str
    suggested: str | None
    confidence: float | None
    model_version: int | None
    chosen_by: str
    chosen_at: Moment


class Listing(Result):
    """A seller's draft. `category` is None until one was chosen; `etag` says which state of it this is."""

    id: str
    title: str
    created_at: Moment
    category: str | None
    corrected: bool
    photos: list[Photo]
    suggestion: Suggestion | None
    choices: list[Choice]
    etag: str = Field(exclude=True)


class ModelVersion(Result):
    """A model version with its figures, by split, and where it comes from."""

    number: int
    created_at: Moment
    classes: list[str]
    image_size: int
    feature_space: str
    metrics: dict[str, Any]
    lineage: dict[str, Any]
    aliases: list[str]


class Promotion(ModelVersion):
    """The version that answers sellers now. `moved` is false when it did before, and nothing was done."""

    moved: bool = True  # servers of before this was told always moved


class Epoch(Result):
    """The figures of one epoch of a training."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float
