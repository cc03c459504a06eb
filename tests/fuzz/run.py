"""Damaged pictures and archives through the real intake: gunicorn, decoders, database, disk.

    python -m tests.fuzz.run --runs 20000 --seed 1

Sends them over HTTP, then lets a coverage-guided fuzzer loose on the reader of archives. Ends with 1, and
says with which input, when an answer is none of the expected, a process died, a row or file was left, or
memory grew.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from sqlalchemy import func, select

from shared.tables import BatchItem, Job, Photo
from tests.fuzz.mutations import archives, mutated_archive, mutated_picture, pictures
from tests.redis_server import redis_server
from tests.web_server import WebServer, serve

# Everything that can be said about a file; 500 and a broken connection cannot.
EXPECTED = {202, 400, 413, 415, 422}
# Said of a moment, and not of a file: it is sent again, once, when it may be.
COME_BACK = 429
LONGEST_WAIT_SECONDS = 10
AT_ONCE = 8
# As many as one person may send to one web process at once, so that none is asked to come back.
ARCHIVES_AT_ONCE = 1
# One input in so many is an archive.
ARCHIVE_EVERY = 5
# Between the first part, in which caches fill, and the end.
WARM_UP = 0.25
# What the reader of archives may take for one input of the coverage-guided fuzzer. It limits its memory
# itself: the peak that the fuzzer looks at begins with that of whoever started it, and a test process that
# has had TensorFlow in it is over any sensible limit.
LIMITS = ("-max_len=65536", "-rss_limit_mb=0", "-timeout=10")
MAX_GROWTH_BYTES = 96 * 1024 * 1024


@dataclass
class Report:
    """What was seen."""

    answers: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    asked_back: int = 0
    violations: list[str] = field(default_factory=list)
    warm_bytes: int = 0
    end_bytes: int = 0
    seconds: float = 0.0


def fuzz(server: WebServer, runs: int, seed: int, keep: Path) -> Report:
    """Send `runs` damaged files and check what is left. Inputs that led to a violation are kept in `keep`."""
    report = Report()
    seeds = pictures()
    made = archives(seeds)
    workers = {process.pid for process in server.processes()[:1] + _gunicorn_workers(server)}
    before = server.rows()
    started = time.monotonic()
    places = threading.BoundedSemaphore(ARCHIVES_AT_ONCE)
    with server.client() as client, ThreadPoolExecutor(AT_ONCE) as pool:

        def send(number: int) -> None:
            chance = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable
            is_archive = number % ARCHIVE_EVERY == 0
            data = mutated_archive(chance, seeds, made) if is_archive else mutated_picture(chance, seeds)
            with places if is_archive else nullcontext():
                problem = _send(client, data, is_archive, report)
            if problem:
                (keep / f"{seed}-{number}").write_bytes(data)
                report.violations.append(f"input {keep / f'{seed}-{number}'}: {problem}")

        warm = int(runs * WARM_UP)
        list(pool.map(send, range(warm)))
        server.start_decoders()
        report.warm_bytes = server.resident_bytes()
        list(pool.map(send, range(warm, runs)))
    report.seconds = time.monotonic() - started
    report.end_bytes = server.resident_bytes()
    _check(server, before, workers, report)
    return report


def _send(client: httpx.Client, data: bytes, is_archive: bool, report: Report) -> str | None:
    path, part = ("/api/v1/batches", "archive") if is_archive else ("/api/v1/classifications", "photo")
    try:
        response = client.post(path, files={part: ("file", data)})
        if response.status_code == COME_BACK:
            # A machine that stands still is no fault of the input; one that is told so twice is looked at.
            report.asked_back += 1
            time.sleep(min(int(response.headers["Retry-After"]), LONGEST_WAIT_SECONDS))
            response = client.post(path, files={part: ("file", data)})
    except httpx.TransportError as error:
        return f"no answer: {error!r}"
    if response.status_code not in EXPECTED:
        return f"status {response.status_code}: {response.text[:300]}"
    body = response.json()
    report.answers[str(body.get("code", "accepted"))] += 1
    return None


def _gunicorn_workers(server: WebServer) -> list[psutil.Process]:
    return server.processes()[0].children()


def _check(server: WebServer, before: dict[str, int], workers: set[int], report: Report) -> None:
    now = {process.pid for process in server.processes()[:1] + _gunicorn_workers(server)}
    if now != workers:
        report.violations.append(
            f"web processes came and went: {sorted(workers)} before, {sorted(now)} after"
        )
    if any((server.settings.data_dir / "incoming").iterdir()):
        report.violations.append("files of uploads were left in incoming/")
    with server.database.read() as session:
        digests = set(session.scalars(select(Photo.digest)))
        lonely = session.scalar(select(func.count()).select_from(Job).where(Job.photo_id.is_(None)))
        refused = session.scalar(
            select(func.count())
            .select_from(BatchItem)
            .where(BatchItem.job_id.is_(None), BatchItem.error_code.is_(None))
        )
    stored = {path.stem for path in server.files()}
    if stored != digests:
        report.violations.append(f"{len(stored ^ digests)} pictures without a row, or rows without a picture")
    if lonely or refused:
        report.violations.append(
            f"{lonely} jobs without a photo, {refused} files of batches without an outcome"
        )
    growth = report.end_bytes - report.warm_bytes
    if growth > MAX_GROWTH_BYTES:
        report.violations.append(f"memory grew by {growth / 2**20:.0f} MiB")
    report.accepted = server.rows()["job"] - before["job"]


def fuzz_reader(runs: int, seed: int, folder: Path) -> str:
    """Coverage-guided: the reader of archives in a process of its own. Returns its last words.

    Raises:
        RuntimeError: something else than photos or our own errors came out.
    """
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(archives(pictures())):
        (corpus / str(number)).write_bytes(data)
    command = [sys.executable, "-m", "tests.fuzz.archive_reader", str(corpus), *LIMITS]
    options = [f"-atheris_runs={runs}", f"-seed={seed}", f"-artifact_prefix={folder}/"]
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The reader of archives failed; its input is in {folder}.\n{done.stderr[-4000:]}")
    return next(line for line in reversed(done.stderr.splitlines()) if line.startswith("#"))


def main() -> None:
    """Run, print, and end with 1 if anything was violated."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - printed
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ht-fuzz-"))
    print(f"seed {chosen.seed}, {chosen.runs} runs")  # noqa: T201 - a command
    with redis_server(folder) as url, serve(folder / "web", url) as server:
        report = fuzz(server, chosen.runs, chosen.seed, folder)
        decoders = (server.settings.data_dir / "web.log").read_text().count("decoder_ended")
    print(described(report, decoders))  # noqa: T201
    print("reader of archives, coverage-guided:", fuzz_reader(chosen.runs, chosen.seed, folder))  # noqa: T201
    if report.violations:
        sys.exit("\n".join(report.violations[:20]))
    shutil.rmtree(folder)


def described(report: Report, decoders: int) -> str:
    """The figures of a run, in lines."""
    answers = ", ".join(f"{code} {count}" for code, count in report.answers.most_common())
    megabytes = (report.warm_bytes / 2**20, report.end_bytes / 2**20)
    return (
        f"{sum(report.answers.values())} answers in {report.seconds:.0f} s: {answers}\n"
        f"{report.accepted} jobs made, {decoders} decoders replaced, {report.asked_back} asked to come back, "
        f"{len(report.violations)} violations\n"
        f"memory of all processes: {megabytes[0]:.0f} MiB after a quarter, {megabytes[1]:.0f} MiB at the end"
    )


if __name__ == "__main__":
    main()
