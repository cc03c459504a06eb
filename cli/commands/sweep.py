"""`hangtag sweep`: many trainings over a plan, through the same queue as everything else."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.assignments import changes, choices
from cli.client import connect
from cli.following import follow_sweep, follow_with_bar, trial_table
from cli.lazy import FAILED
from cli.terminal import err, out, print_json

app = typer.Typer(add_completion=False)
Over = Annotated[
    list[str] | None,
    typer.Option("--over", help="NAME=A,B,C or NAME=LOW..HIGH[:log]: what differs; repeatable."),
]


@app.command()
def sweep(
    preset: Annotated[str | None, typer.Option(help="rates, sizes, dropouts or study, as published.")] = None,
    over: Over = None,
    strategy: Annotated[str, typer.Option(help="grid, random or halving.")] = "grid",
    samples: Annotated[int, typer.Option(help="Trials to draw for random and halving.")] = 20,
    base: Annotated[str, typer.Option(help="The training preset that all trials start from.")] = "best",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE that all trials share; repeatable.")
    ] = None,
    dataset_version: Annotated[int | None, typer.Option(help="The newest one when left out.")] = None,
    register_all: Annotated[bool, typer.Option(help="Make every trial a version.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the trials to the end.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end.")] = False,
    show: Annotated[str | None, typer.Option(help="Show the sweep with this id instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the sweep as JSON.")] = False,
) -> None:
    """Train many versions over a plan and keep the best by its validation photos."""
    body: dict[str, Any] = {"register_all": register_all}
    if dataset_version is not None:
        body["dataset_version"] = dataset_version
    if preset is not None:
        body["preset"] = preset
    if over or preset is None:
        body["plan"] = {"strategy": strategy, "over": choices(over or []), "samples": samples}
        body["base"] = {"preset": base, **changes(change or [])}
    with connect() as client:
        job = {"id": show} if show else client.post("/api/v1/sweeps", body)["job"]
        if watch or wait:
            job = client.get(f"/api/v1/sweeps/{job['id']}")["job"]
            job = follow_sweep(client, job) if watch else follow_with_bar(client, job)
        found = client.get(f"/api/v1/sweeps/{job['id']}")
    _print(found, as_json)
    if (watch or wait) and found["job"]["state"] != "succeeded":
        raise typer.Exit(FAILED)


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    out.print(trial_table(found))
    err.print(_sentence(found["job"]))


def _sentence(job: dict[str, Any]) -> str:
    if job["state"] == "succeeded":
        result = job["result"]
        return (
            f"The best of {result['trials']} trials is trial {result['trial']}, now version "
            f"{result['model_version']} with test accuracy {result['test_accuracy']:.3f}. Being the best of "
            "many, its validation accuracy promises too much."
        )
    if job["error"]:
        return f"Sweep {job['id']} {job['state']}: {job['error']['message']}"
    return f"Sweep {job['id']} is {job['state']}. Follow it with 'hangtag sweep --show {job['id']} --watch'."
