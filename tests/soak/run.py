"""`make soak`: steady uploads, random faults, then a look at whether every promise was kept."""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import TERMINAL, JobKind, JobState
from shared.models import registry
from shared.photos.pixels import read_pixels
from shared.tables import Job, Photo
from tests.faults.invariants import changed, terminal_rows, violations
from tests.faults.postgres import Postgres, own_postgres
from tests.live_system import LiveSystem, prepare_system
from tests.processes import wait_until
from tests.soak.nemesis import Nemesis
from tests.soak.uploads import Sellers
from worker.engines.choose import load_engine

SELLERS = 4
# Two leases, three attempts, and the backlog of a queue that grew while everything was down.
DRAIN_SECONDS = 240
# Photos whose answer is computed again at the end.
SAMPLE = 50
# Between the two looks at rows that have ended.
SECOND_LOOK_SECONDS = 15
UPLOAD_SECONDS = 3.0
# Photos whose story is told.
SLOWEST = 3


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line says."""

    seed: int
    minutes: float
    database: str
    per_second: float


def main() -> None:
    """Run, print figures, exit with 1 when something was violated."""
    arguments = _arguments()
    _say(f"seed {arguments.seed}, {arguments.minutes:g} minutes on {arguments.database}")
    with tempfile.TemporaryDirectory(prefix="soak-") as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(_server(folder)) if arguments.database == "postgresql" else None
        system = prepare_system(folder / "live", server.create("soak") if server else None)
        system.start()
        stack.callback(system.stop)
        found = _soak(system, server, arguments)
        for violation in found[:100]:
            _say(f"VIOLATION {violation}")
        _say(f"violations            {len(found)}")
        if found:
            kept = tempfile.mkdtemp(prefix="soak-logs-")
            shutil.copytree(system.settings.data_dir / "logs", kept, dirs_exist_ok=True)
            _say(f"logs                  {kept}")
    sys.exit(1 if found else 0)


def _soak(system: LiveSystem, server: Postgres | None, arguments: Arguments) -> list[str]:
    sellers = Sellers(system, arguments.seed, arguments.per_second, SELLERS)
    nemesis = Nemesis(system, arguments.seed, server)
    sellers.start()
    try:
        nemesis.run(arguments.minutes * 60)
    finally:
        sellers.stop()
    database = Database(system.settings.database_url)
    try:
        return [*sellers.log.violations, *_look(system, database, sellers, nemesis, arguments.seed)]
    finally:
        database.close()


def _look(
    system: LiveSystem, database: Database, sellers: Sellers, nemesis: Nemesis, seed: int
) -> Iterator[str]:
    """Wait until all is done, print the figures, and name whatever was violated."""
    before = terminal_rows(database)
    yield from _drained(database)
    time.sleep(SECOND_LOOK_SECONDS)
    yield from changed(before, terminal_rows(database))
    blobs = BlobStore(system.settings.blob_url)
    yield from violations(database, blobs, sellers.log.accepted)
    yield from _other_answers(system, database, blobs, seed)
    yield from _slow_uploads(sellers, nemesis)
    _print_figures(database, sellers, nemesis)


def _drained(database: Database) -> Iterator[str]:
    def idle() -> bool:
        with database.read() as session:
            return session.scalar(select(Job.id).where(Job.state.not_in(TERMINAL)).limit(1)) is None

    try:
        wait_until(idle, DRAIN_SECONDS, "all jobs end")
    except TimeoutError as error:
        yield str(error)


def _other_answers(system: LiveSystem, database: Database, blobs: BlobStore, seed: int) -> Iterator[str]:
    """Compute answers anew from the stored photos; they say the same as what was told."""
    with database.read() as session:
        version = registry.require_champion(session)
        rows = session.execute(
            select(Job.id, Job.result, Photo.digest)
            .join(Photo)
            .where(Job.state == JobState.SUCCEEDED, Job.kind == JobKind.CLASSIFY)
        ).all()
    sample = random.Random(seed).sample(rows, min(SAMPLE, len(rows)))  # noqa: S311 - repeatable
    engine = load_engine(system.settings, registry.space_of(version))
    head = registry.load_head(blobs, version)
    for job_id, result, digest in sample:
        pixels = read_pixels(blobs.get(photo_key(digest)), version.image_size)
        probabilities = head.probabilities(engine.features(pixels[np.newaxis]))[0]
        if version.classes[int(probabilities.argmax())] != result["category"]:
            yield f"job {job_id} tells {result['category']}, computed anew it is another"


def _slow_uploads(sellers: Sellers, nemesis: Nemesis) -> Iterator[str]:
    slow = _p99(_while_frozen(sellers, nemesis))
    if slow >= UPLOAD_SECONDS:
        yield f"99 % of uploads while Redis was frozen took up to {slow:.1f} s"


def _while_frozen(sellers: Sellers, nemesis: Nemesis) -> list[float]:
    return [
        took
        for (began, took), (first, last) in itertools.product(sellers.log.took, nemesis.frozen)
        if first <= began <= last
    ]


def _p99(seconds: list[float]) -> float:
    return float(np.percentile(seconds, 99)) if seconds else 0.0


def _print_figures(database: Database, sellers: Sellers, nemesis: Nemesis) -> None:
    with database.read() as session:
        jobs = session.scalars(select(Job).where(Job.kind == JobKind.CLASSIFY)).all()
    waits = [_waited(job) for job in jobs]
    log = sellers.log
    _say(f"faults                {nemesis.done.total()}: {_counted(nemesis.done)}")
    _say(f"accepted              {len(log.accepted)}; refused {log.refused}, connections broken {log.broken}")
    _say(f"jobs                  {_counted(Counter(job.state.value for job in jobs))}")
    _say(f"attempts              {_counted(Counter(str(job.attempt) for job in jobs))}")
    _say(f"accepted to answered  median {np.median(waits):.2f} s, longest {max(waits):.1f} s")
    for job in sorted(jobs, key=_waited)[-SLOWEST:]:
        _say(f"  {job.created_at:%H:%M:%S.%f} + {_waited(job):.1f} s: {_story(database, job)}")
    _say(f"uploads, p99          {_p99([took for _, took in log.took]):.2f} s")
    _say(f"  Redis frozen        {_p99(_while_frozen(sellers, nemesis)):.2f} s")


def _waited(job: Job) -> float:
    return (job.finished_at - job.created_at).total_seconds() if job.finished_at else float("inf")


def _story(database: Database, job: Job) -> str:
    """What happened to a job, for whoever wonders why it took long."""
    with database.read() as session:
        runs = store.attempts(session, job.id)
    return "; ".join(f"{run.started_at:%H:%M:%S.%f} {run.worker} {run.outcome}" for run in runs)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()))


@contextmanager
def _server(folder: Path) -> Iterator[Postgres]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with own_postgres(folder / "pg") as server:
        yield server


def _arguments() -> Arguments:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--per-second", type=float, default=8)
    return Arguments(**vars(parser.parse_args()))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
