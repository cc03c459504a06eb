"""The published study as one sweep, against one epoch of the plain notebook way times its epochs.

`python -m benchmarks.study DATA PHOTOS`: DATA is the data folder of an installation with an imported dataset,
which is copied without its features, not changed; PHOTOS is the folder train/ validation/ test/ it came from.
The sweep is the preset `study`, 11 trainings with 190 epochs, at the given image size: one job through queue
and training worker beside everything else that runs, timed from queueing to its end, features of all photos
included, once for each precision of these features. The notebook runs the whole frozen network in each
epoch (`benchmarks/notebook.py`); one of them is measured, in a process of its own. Ratio: 190 times that,
through the sweep.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import machine
from benchmarks.installation import copy_of, process, redis_server, wait_until
from benchmarks.notebook import Epoch, measured_epoch
from benchmarks.stored_photos import active_jobs, context_of, has_started
from cli.processes import PROCESSES
from shared import accounts
from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs import store
from shared.jobs.states import TERMINAL, JobKind, JobState
from shared.models.hyperparameters import HyperParameters
from shared.settings import Settings
from shared.sweeps import store as sweeps
from shared.sweeps.plan import SWEEP_PRESETS
from shared.tables import Job
from worker.context import WorkerContext
from worker.network.base_weights import cache_path
from worker.training.feature_store import features_folder

# A sweep at 299 px took minutes on two cores; one that takes hours hangs.
LONGEST_SECONDS = 4 * 3600.0


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder of an installation with a dataset")
    parser.add_argument("photos", type=Path, help="the folder train/ validation/ test/ of that dataset")
    parser.add_argument("--image-size", type=int, default=299)
    parser.add_argument("--precisions", nargs="+", choices=("full", "int8"), default=["full", "int8"])
    options = parser.parse_args()
    preset = SWEEP_PRESETS["study"].trials
    epochs = sum(trial.epochs for trial in preset)
    with tempfile.TemporaryDirectory(prefix="hangtag-study-") as folder:
        settings = copy_of(options.data, Path(folder) / "data")
        print(f"{machine()}; {len(preset)} trials, {epochs} epochs, {options.image_size} px", flush=True)
        epoch = _notebook(settings, options.photos, options.image_size)
        print(f"notebook, 1 epoch  {epoch.seconds:.1f} s, {epoch.photos} + {epoch.validation_photos} photos")
        print(f"notebook, {epochs} of them  {epochs * epoch.seconds:.0f} s")
        for precision in options.precisions:
            print(f"{machine()}; now the sweep, features in {precision} precision", flush=True)
            same = {"image_size": options.image_size, "precision": precision}
            seconds = _sweep(settings, [trial.model_copy(update=same) for trial in preset])
            print(f"ratio  {epochs * epoch.seconds / seconds:.0f}", flush=True)


def _notebook(settings: Settings, photos: Path, image_size: int) -> Epoch:
    """One epoch, in a child whose memory is free again afterwards."""
    weights = cache_path(settings)
    if not weights.is_file():
        raise SystemExit("DATA has no base weights yet. Start Hangtag once with it, then measure again.")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
        return child.submit(measured_epoch, photos, image_size, weights).result()


def _sweep(settings: Settings, trials: list[HyperParameters]) -> float:
    """Print what a sweep of these trials took, and of what; its seconds from queueing to its end."""
    shutil.rmtree(features_folder(settings), ignore_errors=True)
    context = context_of(settings)
    with ExitStack() as stack:
        stack.callback(context.database.close)
        stack.enter_context(redis_server(settings))
        for one in PROCESSES:
            stack.enter_context(process(settings, one.name))
        wait_until(lambda: _is_ready(context.database), "the training worker is there and idle")
        began = time.perf_counter()
        stages = Stages(context.database, _queue(context, trials))
        wait_until(stages.ended, "the sweep has ended", LONGEST_SECONDS)
        seconds = time.perf_counter() - began
    print(f"sweep  {seconds:.1f} s: {stages.told()}")
    return seconds


def _is_ready(database: Database) -> bool:
    return has_started(database, "train") and active_jobs(database) == 0


def _queue(context: WorkerContext, trials: list[HyperParameters]) -> str:
    """Queue the sweep as the API does. By its preset the API would take it at the published size only."""
    with context.database.write() as session:
        person = accounts.add_user(session, f"Bench {trials[0].precision}", "admin")
        job_id = sweeps.create(session, person.id, datasets.latest(session).number, trials, None).id
    context.queue.publish(JobKind.SWEEP, job_id)
    return job_id


class Stages:
    """How long a sweep was in which stage, by looking at its row again and again."""

    def __init__(self, database: Database, job_id: str) -> None:
        self._database, self._job_id = database, job_id
        self._seconds: dict[str, float] = defaultdict(float)
        self._stage, self._step, self._looked = "waiting", "waiting", time.perf_counter()

    def ended(self) -> bool:
        """Look once. True when the sweep has ended.

        Raises:
            SystemExit: it ended without a version.
        """
        with self._database.read() as session:
            job = store.find(session, self._job_id)
        now = time.perf_counter()
        self._seconds[self._stage] += now - self._looked
        self._looked, self._stage = now, self._stage_of(job)
        if job.state in TERMINAL and job.state is not JobState.SUCCEEDED:
            raise SystemExit(f"The sweep {job.state}: {job.error_message or 'no reason given'}")
        return job.state in TERMINAL

    def told(self) -> str:
        """Seconds by stage."""
        return ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in self._seconds.items())

    def _stage_of(self, job: Job) -> str:
        """The stage that began with the last report. A sweep reports its trials before it looks for their
        features, and features until the last is there: then what was reported before goes on."""
        if job.stage is None:
            return "waiting"
        if job.stage in ("trials", "evaluation"):
            self._step = job.stage
        return self._step if job.stage == "features" and job.done == job.total else job.stage


if __name__ == "__main__":
    main()
