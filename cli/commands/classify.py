"""`hangtag classify`: photos to the running server, several in flight, one line of answer each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.batches import Group, classify_batch, grouped, is_zip
from cli.client import ApiError, Client, connect
from cli.lazy import FAILED
from cli.terminal import bar, confidence_in_words, print_json, print_table
from shared.errors import SettingsError

app = typer.Typer(add_completion=False)
# Enough to fill the prediction worker's batches, fewer than the server lets wait at once.
IN_FLIGHT = 8
# Up to here every photo is a request of its own, with its own time; more go in batches.
ONE_BY_ONE = 50
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo. `error` is None when it was answered."""

    photo: str
    category: str | None = None
    confidence: float | None = None
    decision: str | None = None
    top: list[dict[str, Any]] | None = None
    model_version: int | None = None
    job_id: str | None = None
    milliseconds: int | None = None
    error: str | None = None


@app.command()
def classify(
    photos: Annotated[
        list[Path], typer.Argument(help="Photos, folders of photos, or zips of photos.", show_default=False)
    ],
    wait: Annotated[int, typer.Option(min=1, help="Seconds to wait for the answer to one photo.")] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send photos to the running server and show their categories.

    Ends with 0 when all were answered, 1 when some were not, 2 when the server cannot be used.
    """
    files = _files(photos)
    many = len(files) > ONE_BY_ONE or any(map(is_zip, files))
    with connect() as client:
        outcomes = (_in_batches if many else _classify_all)(client, files, wait)
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        _print(outcomes)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(FAILED)


def _files(paths: list[Path]) -> list[Path]:
    files = [file for path in paths for file in (_photos_below(path) if path.is_dir() else [path])]
    if not files:
        raise SettingsError(f"There are no photos ({', '.join(SUFFIXES)}) in the folders you named.")
    return files


def _photos_below(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _classify_all(client: Client, files: list[Path], wait: int) -> list[Outcome]:
    """The outcome of each file, in the order of the files."""
    outcomes: dict[int, Outcome] = {}
    with bar() as progress, ThreadPoolExecutor(IN_FLIGHT) as pool:
        task = progress.add_task("Photos", total=len(files))
        futures = {pool.submit(_classify, client, file, wait): place for place, file in enumerate(files)}
        try:
            for future in as_completed(futures):
                outcomes[futures[future]] = future.result()
                progress.advance(task)
        except BaseException:
            pool.shutdown(cancel_futures=True)  # what stops one stops all: no server, no key, Ctrl-C
            raise
    return [outcomes[place] for place in range(len(files))]


def _in_batches(client: Client, files: list[Path], wait: int) -> list[Outcome]:
    """The outcome of each file, and of each photo in a zip; what cannot be read here comes last."""
    readable = [file for file in files if os.access(file, os.R_OK) and file.is_file()]
    outcomes: list[Outcome] = []
    with bar() as progress:
        task = progress.add_task("Photos", total=None if any(map(is_zip, files)) else len(readable))
        for group in grouped(readable):
            try:
                items = classify_batch(client, group, wait, lambda count: progress.advance(task, count))
            except ApiError as error:
                outcomes += [Outcome(str(file), error=error.message) for file in group.files]
                continue
            outcomes += [_of_item(group, item) for item in items]
    unreadable = set(files) - set(readable)
    return outcomes + [Outcome(str(file), error="It cannot be read.") for file in sorted(unreadable)]


def _of_item(group: Group, item: dict[str, Any]) -> Outcome:
    """The outcome of one item of a batch; a photo of a zip is named after both."""
    if group.field == "archive":
        photo = f"{group.files[0]}: {item['name']}"
    else:
        photo = str(group.files[item["position"]])
    job_id = item["job_id"]
    if item["result"] is None:
        unanswered = f"No answer in time; job {job_id} is {item['state']} and goes on."
        error = (item["error"] or {}).get("message") or unanswered
        return Outcome(photo, job_id=job_id, error=error)
    known = ("category", "confidence", "decision", "top", "model_version")
    return Outcome(photo, job_id=job_id, **{name: item["result"][name] for name in known})


def _classify(client: Client, file: Path, wait: int) -> Outcome:
    began = time.monotonic()
    try:
        job = client.send_photo(file.name, file.read_bytes(), wait)
    except ApiError as error:
        return Outcome(str(file), error=error.message)
    except OSError as error:
        return Outcome(str(file), error=f"It cannot be read: {error.strerror}.")
    return _outcome(file, job, round((time.monotonic() - began) * 1000))


def _outcome(file: Path, job: dict[str, Any], milliseconds: int) -> Outcome:
    if job["state"] != "succeeded":
        said = (job["error"] or {}).get("message")
        error = said or f"No answer in time; job {job['id']} is {job['state']} and goes on."
        return Outcome(str(file), job_id=job["id"], milliseconds=milliseconds, error=error)
    result = job["result"]
    return Outcome(
        str(file),
        category=result["category"],
        confidence=result["confidence"],
        decision=result["decision"],
        top=result["top"],
        model_version=result["model_version"],
        job_id=job["id"],
        milliseconds=milliseconds,
    )


def _print(outcomes: list[Outcome]) -> None:
    print_table(
        ("photo", "category", "confidence", "decision", "version", "ms"),
        (
            (
                outcome.photo,
                outcome.error or outcome.category,
                None if outcome.confidence is None else confidence_in_words(outcome.confidence),
                outcome.decision,
                outcome.model_version,
                outcome.milliseconds,
            )
            for outcome in outcomes
        ),
    )
