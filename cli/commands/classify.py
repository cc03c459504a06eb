"""`hangtag classify`: photos to the running server, several in flight, one line of answer each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from cli import batches
from cli.outcome import Status
from cli.server import connect
from cli.terminal import bar, confidence_in_words, err, print_json, print_table
from hangtag_client import ApiError, BatchItem, Client, Job, Suggestion
from hangtag_client.photos import SUFFIXES
from shared.errors import HangtagError, SettingsError

app = typer.Typer(add_completion=False)
# Enough to fill the prediction worker's batches, fewer than the server lets wait at once.
IN_FLIGHT = 8
# Up to here every photo is a request of its own, with its own time; more go in batches.
ONE_BY_ONE = 50
# These are about the key, not about one photo.
KEY_REFUSED = (401, 403)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo. `error` is None when it was answered; `state` is that of its job."""

    photo: str
    category: str | None = None
    confidence: float | None = None
    decision: str | None = None
    top: list[dict[str, Any]] | None = None
    model_version: int | None = None
    job_id: str | None = None
    state: str | None = None
    milliseconds: int | None = None
    error: str | None = None


@app.command()
def classify(
    photos: Annotated[
        list[Path],
        typer.Argument(exists=True, help="Photos, folders of photos, or zips of photos.", show_default=False),
    ],
    wait: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="How long to wait for one photo.")
    ] = 120,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 6 when a person should choose for a photo.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send photos to the running server and show their categories.

    Ends with 0 when all were answered, 1 when some cannot be, 5 when some have no answer yet.
    """
    files = _files(photos)
    many = len(files) > ONE_BY_ONE or any(map(batches.is_zip, files))
    outcomes: list[Outcome] = []
    try:
        with connect() as client:
            (_in_batches if many else _one_by_one)(client, files, wait, outcomes)
    except KeyboardInterrupt:
        err.print("\nPhotos that were sent are answered all the same: hangtag jobs --kind classify")
        os._exit(Status.INTERRUPTED)  # threads that wait for an answer would hold the end up
    except (HangtagError, OSError):
        if outcomes:  # answers that came before it: the server went away, say
            _tell(outcomes, as_json)
        raise
    _tell(outcomes, as_json)
    status = _status(outcomes, exit_code)
    if status is not Status.DONE:
        raise typer.Exit(status)


def _status(outcomes: list[Outcome], asks_count: bool) -> Status:
    """The worst that happened to a photo."""
    late = [outcome.state in batches.UNFINISHED for outcome in outcomes if outcome.error]
    if not all(late):
        return Status.FAILED
    if late:
        return Status.GOES_ON
    asks = asks_count and any(outcome.decision == "ask" for outcome in outcomes)
    return Status.ASKS if asks else Status.DONE


def _files(paths: list[Path]) -> list[Path]:
    files = [file for path in paths for file in (_photos_below(path) if path.is_dir() else [path])]
    if not files:
        named = ", ".join(map(str, paths))
        raise SettingsError(
            f"There are no photos ({', '.join(SUFFIXES)}) in {named}. Name photos, or a folder with some."
        )
    return files


def _photos_below(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _one_by_one(client: Client, files: list[Path], wait: int, outcomes: list[Outcome]) -> None:
    """Add the outcome of each file in the order of the files. What stops one stops all: no server, no key."""
    found: dict[int, Outcome] = {}
    pool = ThreadPoolExecutor(IN_FLIGHT)
    try:
        with bar() as progress:
            task = progress.add_task("Photos", total=len(files))
            futures = {pool.submit(_classify, client, file, wait): place for place, file in enumerate(files)}
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                progress.advance(task)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        outcomes += [found[place] for place in sorted(found)]


def _in_batches(client: Client, files: list[Path], wait: int, outcomes: list[Outcome]) -> None:
    """Add the outcome of each file, and of each photo in a zip; what cannot be read here comes last."""
    readable = [file for file in files if _is_readable(file)]
    with bar() as progress:
        for group in batches.groups(readable):
            try:
                outcomes += _batch(client, group, wait, progress)
            except ApiError as error:
                if error.status in KEY_REFUSED:
                    raise
                outcomes += [Outcome(str(file), error=str(error)) for file in group]
    unreadable = [file for file in files if not _is_readable(file)]
    outcomes += [Outcome(str(file), error="It cannot be read.") for file in unreadable]


def _is_readable(file: Path) -> bool:
    return file.is_file() and os.access(file, os.R_OK)


def _batch(client: Client, files: list[Path], wait: int, progress: Progress) -> Iterable[Outcome]:
    task = progress.add_task(f"{files[0].parent.name or '.'} ({len(files)} files)", total=None)
    found = batches.follow(
        client,
        batches.send(client, files),
        lambda done, total: progress.update(task, completed=done, total=total),
        wait,
    )
    progress.remove_task(task)
    return [_of_item(files, item) for item in found.items]


def _of_item(files: list[Path], item: BatchItem) -> Outcome:
    """The outcome of one item of a batch; a photo of a zip is named after both."""
    zipped = batches.is_zip(files[0])
    photo = f"{files[0]}: {item.name}" if zipped else str(files[item.position])
    return _outcome(
        Outcome(photo, job_id=item.job_id, state=item.state),
        item.suggestion,
        item.error.message if item.error else None,
    )


def _classify(client: Client, file: Path, wait: int) -> Outcome:
    began = time.monotonic()
    try:
        job = client.classify(file, wait=wait).job
    except ApiError as error:
        if error.status in KEY_REFUSED:
            raise
        return Outcome(str(file), error=str(error))
    except OSError as error:
        return Outcome(str(file), error=f"It cannot be read: {error.strerror}.")
    return _of_job(file, job, round((time.monotonic() - began) * 1000))


def _of_job(file: Path, job: Job, milliseconds: int) -> Outcome:
    answer = Suggestion.model_validate(job.result) if job.state == "succeeded" else None
    known = Outcome(str(file), job_id=job.id, state=job.state, milliseconds=milliseconds)
    return _outcome(known, answer, job.error.message if job.error else None)


def _outcome(known: Outcome, answer: Suggestion | None, why_not: str | None) -> Outcome:
    if answer is not None:
        figures = answer.model_dump(include={"category", "confidence", "decision", "top", "model_version"})
        return replace(known, **figures)
    if known.state not in batches.UNFINISHED:
        return replace(known, error=why_not or f"Its job is {known.state}.")
    again = f"hangtag jobs show {known.job_id} --watch"
    return replace(known, error=why_not or f"No answer in time; it goes on as job {known.job_id}: {again}")


def _tell(outcomes: list[Outcome], as_json: bool) -> None:
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        _print(outcomes)


def _print(outcomes: list[Outcome]) -> None:
    print_table(
        ("photo", "category", "confidence", "decision", "version", "ms"),
        (
            (
                outcome.photo,
                outcome.category,
                None if outcome.confidence is None else confidence_in_words(outcome.confidence),
                outcome.decision,
                outcome.model_version,
                outcome.milliseconds,
            )
            for outcome in outcomes
        ),
        cut=["photo"],
    )
    for outcome in outcomes:
        if outcome.error:
            err.print(f"{outcome.photo}: {outcome.error}", markup=False)
