"""`hangtag sweep`: many trainings over a plan, through the same queue as everything else."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.assignments import changes, choices
from cli.following import follow
from cli.outcome import Status
from cli.server import connect
from cli.terminal import err, out, print_json
from cli.trials import trial_table
from hangtag_client import Job, Sweep

app = typer.Typer(add_completion=False)
Over = Annotated[
    list[str] | None,
    typer.Option(
        "--over",
        metavar="NAME=VALUES",
        help="What differs: NAME=A,B,C or NAME=LOW..HIGH\\[:log]; repeatable.",
    ),
]


@app.command()
def sweep(
    preset: Annotated[str | None, typer.Option(help="rates, sizes, dropouts or study, as published.")] = None,
    over: Over = None,
    strategy: Annotated[str, typer.Option(help="grid, random or halving.")] = "grid",
    samples: Annotated[int, typer.Option(help="Trials to draw for random and halving.")] = 20,
    base: Annotated[str, typer.Option(help="The training preset that all trials start from.")] = "best",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="What all trials share; repeatable."),
    ] = None,
    dataset_version: Annotated[int | None, typer.Option(help="The newest one when left out.")] = None,
    register_all: Annotated[bool, typer.Option("--register-all", help="Make every trial a version.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the trials to the end.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end.")] = False,
    show: Annotated[str | None, typer.Option(help="Show the sweep with this id instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the sweep as JSON.")] = False,
) -> None:
    """Train many versions over a plan and keep the best by its validation photos."""
    with connect() as client:
        if show is None:
            own = over or preset is None
            job = client.sweep(
                preset,
                plan={"strategy": strategy, "over": choices(over or []), "samples": samples} if own else None,
                base={"preset": base, **changes(change or [])} if own else None,
                dataset_version=dataset_version,
                register_all=register_all,
            )
        else:
            job = client.trials(show).job
        if watch or wait:
            follow(client, job, drawn=watch)
        found = client.trials(job.id)
    _print(found, as_json)
    if (watch or wait) and found.job.state != "succeeded":
        raise typer.Exit(Status.FAILED)


def _print(found: Sweep, as_json: bool) -> None:
    if as_json:
        print_json(found.as_json())
        return
    out.print(trial_table(found))
    err.print(_sentence(found.job), markup=False)


def _sentence(job: Job) -> str:
    if job.state == "succeeded":
        result = job.outcome()
        return (
            f"The best of {result['trials']} trials is trial {result['trial']}, now version "
            f"{result['model_version']} with test accuracy {result['test_accuracy']:.3f}. Being the best of "
            "many, its validation accuracy promises too much."
        )
    if job.error:
        return f"Sweep {job.id} {job.state}: {job.error.message}"
    if job.ended:
        return f"Sweep {job.id} is {job.state}. The trials above keep their figures."
    return f"Sweep {job.id} is {job.state}. Watch it: hangtag sweep --show {job.id} --watch"
