"""All batch SQL: many photos accepted in one transaction, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.errors import NotFoundError, PhotoDeletedError, PhotoError
from shared.jobs.bulk import create_classify_jobs
from shared.jobs.states import ACTIVE, JobState
from shared.paging import Page, newest_first
from shared.photos import predictions
from shared.photos import store as photos
from shared.photos.store import StoredPhoto
from shared.tables import Batch, BatchItem, Job
from shared.webhooks import outbox


class ItemState(StrEnum):
    """Where one file of a batch stands: refused, deleted, or as its job does."""

    REFUSED = "refused"  # it was no photo that can be used; no job was made
    DELETED = "deleted"  # its owner deleted the photo
    QUEUED = JobState.QUEUED
    RUNNING = JobState.RUNNING
    SUCCEEDED = JobState.SUCCEEDED
    FAILED = JobState.FAILED
    CANCELLED = JobState.CANCELLED
    QUARANTINED = JobState.QUARANTINED


UNFINISHED = frozenset(ItemState(state.value) for state in ACTIVE)


@dataclass(frozen=True, slots=True)
class Sent:
    """One file of a batch that was just sent: its photo, whose blob is stored, or what is wrong with it."""

    name: str
    content: StoredPhoto | PhotoError


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a batch and what became of it."""

    position: int
    name: str
    state: ItemState
    job: Job | None
    error_code: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """One batch and how many of its files stand where."""

    batch: Batch
    counts: dict[ItemState, int]

    @property
    def total(self) -> int:
        """How many files were sent."""
        return sum(self.counts.values())

    @property
    def unfinished(self) -> bool:
        """Whether some photos wait for their answer."""
        return any(self.counts.get(state) for state in UNFINISHED)


def create(session: Session, owner_id: str, sent: Sequence[Sent]) -> Batch:
    """The rows of an accepted batch. A photo that is in it twice, or was answered before, is asked once."""
    batch = Batch(owner_id=owner_id, created_at=utc_now())
    session.add(batch)
    session.flush()
    stored = [item.content for item in sent if isinstance(item.content, StoredPhoto)]
    ids = {digest: photo.id for digest, photo in photos.ensure_all(session, owner_id, stored).items()}
    known = predictions.champions_results(session, ids.values())
    jobs = create_classify_jobs(session, owner_id, list(ids.values()), known)
    rows = []
    for position, item in enumerate(sent):
        refused = item.content if isinstance(item.content, PhotoError) else None
        rows.append(
            {
                "batch_id": batch.id,
                "position": position,
                "name": item.name,
                "job_id": jobs[ids[item.content.digest]] if isinstance(item.content, StoredPhoto) else None,
                "error_code": refused.code if refused else None,
                "error_message": refused.message[:500] if refused else None,
            }
        )
    session.execute(insert(BatchItem), rows)
    outbox.jobs_ended(session, list(jobs.values()))  # those that were answered before
    outbox.batches_changed(session, [batch.id])
    return batch


def find(session: Session, batch_id: str, owner_id: str | None = None) -> Batch:
    """The batch with this id; with `owner_id`, only if it is theirs.

    Raises:
        NotFoundError: unknown, or somebody else's.
    """
    batch = session.get(Batch, batch_id)
    if batch is None or (owner_id is not None and batch.owner_id != owner_id):
        raise NotFoundError("There is no batch with this id.")
    return batch


def page(
    session: Session, *, owner_id: str | None, cursor: str | None = None, limit: int = 50
) -> Page[Summary, str]:
    """One page of batches, newest first. `cursor` is the last id of the page before."""
    query = select(Batch)
    if owner_id is not None:
        query = query.where(Batch.owner_id == owner_id)
    found = newest_first(session, query, Batch.id, cursor, limit)
    counts = _counts(session, [batch.id for batch in found.items])
    summaries = [Summary(batch, dict(counts.get(batch.id, Counter()))) for batch in found.items]
    return Page(summaries, found.next_cursor)


def summary(session: Session, batch: Batch) -> Summary:
    """How many files of a batch stand where."""
    return Summary(batch, dict(_counts(session, [batch.id]).get(batch.id, Counter())))


def items(session: Session, batch_id: str) -> list[Item]:
    """The files of a batch in the order in which they were sent."""
    rows = session.execute(
        select(BatchItem, Job)
        .outerjoin(Job, Job.id == BatchItem.job_id)
        .where(BatchItem.batch_id == batch_id)
        .order_by(BatchItem.position)
    )
    return [_item(item, job) for item, job in rows]


def follow(session: Session, jobs: Mapping[str, str]) -> None:
    """Let files whose job was tried again look at the new job. `jobs` maps old ids to new ones."""
    session.flush()
    for old, new in jobs.items():
        session.execute(update(BatchItem).where(BatchItem.job_id == old).values(job_id=new))


def _item(item: BatchItem, job: Job | None) -> Item:
    state = _state(job.state if job else None, item.error_code or (job.error_code if job else None))
    says = item if job is None else job
    return Item(item.position, item.name, state, job, says.error_code, says.error_message)


def _state(state: JobState | None, error_code: str | None) -> ItemState:
    if error_code == PhotoDeletedError.code:
        return ItemState.DELETED
    return ItemState.REFUSED if state is None else ItemState(state.value)


def _counts(session: Session, ids: Sequence[str]) -> dict[str, Counter[ItemState]]:
    error = func.coalesce(BatchItem.error_code, Job.error_code)
    deleted = error == PhotoDeletedError.code
    rows = session.execute(
        select(BatchItem.batch_id, Job.state, deleted, func.count())
        .outerjoin(Job, Job.id == BatchItem.job_id)
        .where(BatchItem.batch_id.in_(ids))
        .group_by(BatchItem.batch_id, Job.state, deleted)
    )
    counts: dict[str, Counter[ItemState]] = {}
    for batch_id, state, is_deleted, number in rows:
        code = PhotoDeletedError.code if is_deleted else None
        counts.setdefault(batch_id, Counter())[_state(state, code)] += number
    return counts
