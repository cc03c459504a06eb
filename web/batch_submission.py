"""Accepting many photos at once: each is decoded and stored by itself, all rows come in one transaction."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from shared import batches
from shared.batches import Sent
from shared.errors import PhotoError
from shared.jobs.states import JobKind, JobState
from shared.photos.archive import Member
from shared.photos.store import StoredPhoto
from web.services import Services
from web.submission import prepare_photo

# As many as there are decoders in a process; single photos that come meanwhile take turns with them.
AT_ONCE = 2
# A wake-up keeps a worker busy until nothing waits; these reach a few workers, the dispatcher the others.
WAKE_UPS = 4


def store_photos(services: Services, members: Iterable[Member]) -> list[Sent]:
    """Decode and store what can be used, a few at a time: no more than that is ever in memory.

    Raises:
        ArchiveError: the archive they come from cannot be used.
        StorageFullError: there is no room left.
    """
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch") as pool:
        return list(_ahead(pool, lambda member: _stored(services, member), iter(members)))


def wake(services: Services, batch_id: str) -> None:
    """Send a few wake-ups for a committed batch. What gets lost is sent again by the dispatcher."""
    with services.database.read() as session:
        jobs = [item.job for item in batches.items(session, batch_id) if item.job is not None]
    waiting = [job.id for job in jobs if job.state is JobState.QUEUED]
    for job_id in waiting[:WAKE_UPS]:
        if not services.queue.publish(JobKind.CLASSIFY, job_id):
            return


def _stored(services: Services, member: Member) -> Sent:
    if isinstance(member.content, PhotoError):
        return Sent(member.name, member.content)
    try:
        prepared = prepare_photo(services, member.content)
    except PhotoError as error:
        return Sent(member.name, error)
    return Sent(member.name, StoredPhoto.of(prepared, member.name))


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[Member], Sent], members: Iterator[Member]
) -> Iterator[Sent]:
    """The results in order; members are only read when there is somebody to work on them."""
    pending: deque[Future[Sent]] = deque(pool.submit(work, member) for member in islice(members, AT_ONCE))
    while pending:
        yield pending.popleft().result()
        pending.extend(pool.submit(work, member) for member in islice(members, 1))
