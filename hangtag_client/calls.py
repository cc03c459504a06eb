"""The calls of sellers, described once: photos, batches, jobs, listings. Both clients carry them out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from hangtag_client.exchange import Flow, Pause, Read, Request, address, once, send
from hangtag_client.photos import PhotoSource, grouped, names_together, photos_below
from hangtag_client.results import (
    BatchAnswer,
    BatchItem,
    Classification,
    Job,
    Listing,
    Why,
)

# The server waits at most a minute; a shorter wait is friendlier to what stands between.
POLL_SECONDS = 20.0
# Between two looks, when the server had no room to let us wait.
MIN_POLL_SECONDS = 0.2
BATCH_POLL_SECONDS = 0.5


def classify(
    photo: PhotoSource,
    *,
    wait: float = 0,
    listing_id: str | None = None,
    position: int | None = None,
    name: str | None = None,
) -> Flow[Classification]:
    """Send a photo, as bytes or as the path of its file, and wait up to `wait` seconds for its answer.

    `position` is its place in the listing, from 1; without it, the photo comes after the last.
    """
    deadline = time.monotonic() + wait
    headers = once({"Prefer": f"wait={int(min(wait, POLL_SECONDS))}"} if wait >= 1 else {})
    part = yield from _part(photo, name)
    place = {"listing_id": listing_id, "position": position and str(position)}
    form = {name: value for name, value in place.items() if value} or None
    request = Request("POST", address("classifications"), headers=headers, files=[("photo", part)], form=form)
    response = yield from send(request)
    accepted = Classification.model_validate_json(response.content)
    if accepted.job.ended or not wait:
        return accepted
    ended = yield from until_ended(accepted.job, deadline)
    return accepted.model_copy(update={"job": ended})


def create_batch(photos: Sequence[PhotoSource]) -> Flow[BatchAnswer]:
    """Send up to 1,000 photos at once. What cannot be used is refused alone; its item says why.

    Files are called by their path below the folder that all of them share.
    """
    parts = []
    for photo, name in zip(photos, names_together(photos), strict=True):
        part = yield from _part(photo, name)
        parts.append(("photo", part))
    return (yield from _batch(parts))


def create_batch_from_zip(archive: PhotoSource) -> Flow[BatchAnswer]:
    """Send a zip of photos."""
    part = yield from _part(archive, None)
    return (yield from _batch([("archive", part)]))


def batch(batch_id: str, *, wait: float = 0) -> Flow[BatchAnswer]:
    """A batch and its items, after all were answered or after `wait` seconds."""
    deadline = time.monotonic() + wait
    while True:
        response = yield from send(Request("GET", address("batches", batch_id)))
        found = BatchAnswer.model_validate_json(response.content)
        if found.batch.finished or time.monotonic() >= deadline:
            return found
        yield Pause(BATCH_POLL_SECONDS)


def classify_folder(source: str | Path, *, wait: float = 600) -> Flow[list[BatchItem]]:
    """Send the photos of a folder (and the folders in it), or a zip, and wait up to `wait` seconds for them.

    Returns an item per photo; those that have no answer by then say `queued` or `running`.

    Raises:
        ValueError: there are no photos in the folder.
    """
    path = Path(source)
    if not path.is_dir():
        sent = yield from create_batch_from_zip(path)
        return (yield from batch(sent.batch.id, wait=wait)).items
    groups = list(grouped(photos_below(path)))
    batches = []
    for group in groups:
        sent = yield from create_batch(group)
        batches.append(sent.batch.id)
    deadline = time.monotonic() + wait
    items: list[BatchItem] = []
    for group, batch_id in zip(groups, batches, strict=True):
        found = yield from batch(batch_id, wait=deadline - time.monotonic())
        items += [item.model_copy(update={"path": group[item.position]}) for item in found.items]
    return items


def job(job_id: str, *, wait: float = 0) -> Flow[Job]:
    """A job, after it ended or after `wait` seconds."""
    deadline = time.monotonic() + wait
    found = yield from _job(job_id, min(wait, POLL_SECONDS))
    return (yield from until_ended(found, deadline))


def until_ended(found: Job, deadline: float) -> Flow[Job]:
    """The job, after it ended or when it is this late on the monotonic clock."""
    while not found.ended and (left := deadline - time.monotonic()) > 0:
        asked = time.monotonic()
        found = yield from _job(found.id, min(left, POLL_SECONDS))
        early = MIN_POLL_SECONDS - (time.monotonic() - asked)
        if early > 0 and not found.ended:
            yield Pause(early)
    return found


def cancel_job(job_id: str) -> Flow[Job]:
    """Stop a job: at once while it waits, at its next step while it runs."""
    response = yield from send(Request("POST", address("jobs", job_id, "cancel"), json={}, repeatable=False))
    return Job.model_validate(response.json()["job"])


def retry_job(job_id: str) -> Flow[Job]:
    """Try a job that failed again. Returns the job that takes its place, the same one when asked twice."""
    response = yield from send(Request("POST", address("jobs", job_id, "retry"), json={}))
    return Job.model_validate(response.json()["job"])


def why(job_id: str) -> Flow[Why]:
    """Where in its photo the answer of a job came from.

    Raises:
        ApiError: with code `not_found` when the job has no answer, or one of before this was kept.
    """
    response = yield from send(Request("GET", address("jobs", job_id, "why")))
    return Why.model_validate_json(response.content)


def delete_photo(photo_id: str) -> Flow[None]:
    """Delete a photo of yours for good; its job stays, without picture and answer.

    Raises:
        ApiError: with code `not_found` when there is no such photo any more.
    """
    yield from send(Request("DELETE", address("photos", photo_id)))


def create_listing(title: str = "", photo_ids: Sequence[str] = ()) -> Flow[Listing]:
    """Begin a listing, with photos that were sent before; others follow with `classify(..., listing_id=)`."""
    body = {"title": title, "photo_ids": list(photo_ids)}
    return _listing((yield from send(Request("POST", address("listings"), json=body, headers=once()))))


def listing(listing_id: str) -> Flow[Listing]:
    """A listing with its photos, what is suggested and what was chosen."""
    return _listing((yield from send(Request("GET", address("listings", listing_id)))))


def make_cover(listing_id: str, photo_id: str) -> Flow[Listing]:
    """Move a photo of a listing before all others."""
    request = Request("PUT", address("listings", listing_id, "cover"), json={"photo_id": photo_id})
    return _listing((yield from send(request)))


def choose_category(seen: Listing, category: str) -> Flow[Listing]:
    """Keep or correct the suggestion of a listing as you saw it.

    Raises:
        ApiError: with code `precondition_failed` when it is another by now: look again, then decide.
    """
    headers = {"If-Match": seen.etag}
    path = address("listings", seen.id, "category")
    # Repeated after it was done, it would meet a listing that has changed: its own doing.
    request = Request("PUT", path, json={"category": category}, headers=headers, repeatable=False)
    return _listing((yield from send(request)))


def _part(photo: PhotoSource, name: str | None) -> Flow[tuple[str, bytes]]:
    if isinstance(photo, bytes):
        return name or "photo", photo
    path = Path(photo)
    data: bytes = yield Read(path)
    return name or path.name, data


def _batch(parts: list[tuple[str, tuple[str, bytes]]]) -> Flow[BatchAnswer]:
    response = yield from send(Request("POST", address("batches"), files=parts, headers=once()))
    return BatchAnswer.model_validate_json(response.content)


def _job(job_id: str, wait: float) -> Flow[Job]:
    query = {"wait": f"{wait:.1f}"} if wait > 0 else {}
    response = yield from send(Request("GET", address("jobs", job_id), query=query))
    return Job.model_validate_json(response.content)


def _listing(response: httpx.Response) -> Listing:
    return Listing.model_validate({**response.json(), "etag": response.headers["ETag"]})
