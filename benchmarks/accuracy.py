"""The rows of `docs/accuracy.md`: each is trained with three seeds, and what its versions reach is printed.

`python -m benchmarks.accuracy [ROW...]` asks the Hangtag that runs on this machine, as the command line does;
the newest dataset version counts. Nothing is chosen here: settings were chosen on validation beforehand.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from typing import Any

from cli.following import follow
from cli.server import connect
from hangtag_client import Client, Job, ModelVersion

SEEDS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Row:
    """What is trained: a preset and what differs from it, as `hangtag train` takes them."""

    title: str
    preset: str
    changes: tuple[tuple[str, Any], ...] = ()

    @property
    def fine_tunes(self) -> bool:
        """Whether it trains more than heads; sweeps train heads only."""
        return self.preset == "fine_tuned"


ROWS = {
    "head-150": Row("Head only, 150 px", "quick"),
    "head-299": Row("Head only, 299 px", "best"),
    "views": Row("Views, 150 px", "quick", (("augmentation.mode", "views"), ("augmentation.views", 1))),
    "fine-tuned": Row("Fine-tuned, 299 px", "fine_tuned"),
}


def main() -> None:
    """Train the rows that were asked for, all of them unless some are named, and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)}; all when left out")
    names = parser.parse_args().rows or list(ROWS)
    if unknown := sorted(set(names) - ROWS.keys()):
        parser.error(f"there is no row {unknown[0]!r}; choose from {', '.join(ROWS)}")
    print("| trained | validation, mean | test, mean | test, each seed (95 % interval) | time |")
    print("|---|---|---|---|---|")
    with connect() as client:
        for name in names:
            jobs, numbers = (_fine_tuned if ROWS[name].fine_tunes else _swept)(client, ROWS[name])
            versions = [client.model(number) for number in numbers]
            print(_told(ROWS[name], versions, sum(map(_minutes, jobs))), flush=True)


def _fine_tuned(client: Client, row: Row) -> tuple[list[Job], list[int]]:
    """A training for each seed; those that wait together share what the frozen blocks see."""
    started = [client.train(row.preset, **dict(row.changes), seed=seed) for seed in SEEDS]
    jobs = [_ended(client, job) for job in started]
    return jobs, [job.outcome()["model_version"] for job in jobs]


def _swept(client: Client, row: Row) -> tuple[list[Job], list[int]]:
    """One sweep over the seeds."""
    plan = {"strategy": "grid", "over": {"seed": list(SEEDS)}}
    base = {"preset": row.preset, **dict(row.changes)}
    job = _ended(client, client.sweep(plan=plan, base=base, register_all=True))
    trials = sorted(client.trials(job.id).trials, key=lambda trial: trial.number)
    return [job], [trial.model_version or 0 for trial in trials]


def _ended(client: Client, job: Job) -> Job:
    job = follow(client, job, drawn=False)
    if job.state != "succeeded":
        sys.exit(f"Job {job.id} {job.state}: {job.error.message if job.error else 'no reason given'}")
    return job


def _told(row: Row, versions: list[ModelVersion], minutes: float) -> str:
    """A row of the table."""
    test = [version.metrics["test"] for version in versions]
    each = ", ".join("{:.3f} ({:.3f} to {:.3f})".format(one["accuracy"], *one["interval"]) for one in test)
    means = [
        statistics.mean(version.metrics[split]["accuracy"] for version in versions)
        for split in ("validation", "test")
    ]
    return f"| {row.title} | {means[0]:.3f} | {means[1]:.3f} | {each} | {minutes:.0f} min |"


def _minutes(job: Job) -> float:
    if job.started_at is None or job.finished_at is None:
        return 0.0
    return (job.finished_at - job.started_at).total_seconds() / 60


if __name__ == "__main__":
    main()
