"""`hangtag train`: a training job through the same queue as everything else."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.assignments import changes
from cli.following import follow
from cli.outcome import Status
from cli.server import connect
from cli.terminal import err, print_json
from hangtag_client import Job
from shared.errors import SettingsError

app = typer.Typer(add_completion=False)
OWN_OPTION = ("preset", "dataset_version", "wait")


@app.command()
def train(
    preset: Annotated[
        str, typer.Option(help="quick, balanced, best, fine_tuned or published_10/30/50.")
    ] = "best",
    dataset_version: Annotated[int | None, typer.Option(help="The newest one when left out.")] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE besides the preset, such as augmentation.mode=views."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the training to its end.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="The same, and show its curves.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job as JSON.")] = False,
) -> None:
    """Train a new model version on a dataset version."""
    parameters = _parameters(change or [])
    with connect() as client:
        job = client.train(preset, dataset_version=dataset_version, **parameters)
        if watch or wait:
            job = follow(client, job, drawn=watch)
    if as_json:
        print_json(job.as_json())
    else:
        err.print(_sentence(job), markup=False)
    if (watch or wait) and job.state != "succeeded":
        raise typer.Exit(Status.FAILED)


def _parameters(pairs: list[str]) -> dict[str, Any]:
    parameters = changes(pairs)
    for name in OWN_OPTION:
        if name in parameters:
            raise SettingsError(f"{name} is no hyper-parameter: use --{name.replace('_', '-')}.")
    return parameters


def _sentence(job: Job) -> str:
    if job.state == "succeeded":
        number = job.outcome()["model_version"]
        return (
            f"Training {job.id} made version {number}. Look at it: hangtag models show {number}  "
            f'Let it answer sellers: hangtag promote {number} --reason "..."'
        )
    if job.error:
        return f"Training {job.id} {job.state}: {job.error.message}"
    if job.ended:
        return f"Training {job.id} is {job.state}."
    return f"Training {job.id} is {job.state}. Watch it: hangtag jobs show {job.id} --watch"
