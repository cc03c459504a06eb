"""The rows of `docs/accuracy.md`: each is trained with three seeds, and what its versions reach is printed.

`python -m benchmarks.accuracy [ROW...]` asks the Hangtag that runs on this machine, as the command line does;
the newest dataset version counts. Nothing is chosen here: settings were chosen on validation beforehand.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.client import Client, connect

from cli.following import follow_with_bar

SEEDS = (1, 2, 3)
Json = dict[str, Any]


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
            versions = [client.get(f"/api/v1/models/{number}") for number in numbers]
            print(_told(ROWS[name], versions, sum(map(_minutes, jobs))), flush=True)


def _fine_tuned(client: Client, row: Row) -> tuple[list[Json], list[int]]:
    """A training for each seed; those that wait together share what the frozen blocks see."""
    bodies = [{"preset": row.preset, **dict(row.changes), "seed": seed} for seed in SEEDS]
    started = [client.post("/api/v1/trainings", body)["job"] for body in bodies]
    jobs = [_ended(client, job) for job in started]
    return jobs, [job["result"]["model_version"] for job in jobs]


def _swept(client: Client, row: Row) -> tuple[list[Json], list[int]]:
    """One sweep over the seeds."""
    plan = {"strategy": "grid", "over": {"seed": list(SEEDS)}}
    body = {"plan": plan, "base": {"preset": row.preset, **dict(row.changes)}, "register_all": True}
    job = _ended(client, client.post("/api/v1/sweeps", body)["job"])
    trials = client.get(f"/api/v1/sweeps/{job['id']}")["trials"]
    return [job], [trial["model_version"] for trial in sorted(trials, key=lambda trial: trial["number"])]


def _ended(client: Client, job: Json) -> Json:
    job = follow_with_bar(client, job)
    if job["state"] != "succeeded":
        sys.exit(f"Job {job['id']} {job['state']}: {(job['error'] or {}).get('message', 'no reason given')}")
    return job


def _told(row: Row, versions: list[Json], minutes: float) -> str:
    """A row of the table."""
    test = [version["metrics"]["test"] for version in versions]
    each = ", ".join("{:.3f} ({:.3f} to {:.3f})".format(one["accuracy"], *one["interval"]) for one in test)
    means = [
        statistics.mean(version["metrics"][split]["accuracy"] for version in versions)
        for split in ("validation", "test")
    ]
    return f"| {row.title} | {means[0]:.3f} | {means[1]:.3f} | {each} | {minutes:.0f} min |"


def _minutes(job: Json) -> float:
    began, ended = (datetime.fromisoformat(job[moment]) for moment in ("started_at", "finished_at"))
    return (ended - began).total_seconds() / 60


if __name__ == "__main__":
    main()
