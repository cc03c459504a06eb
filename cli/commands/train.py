"""`hangtag train`: a training job through the same queue as everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.assignments import changes
from cli.following import follow
from cli.outcome import Status
from cli.server import connect
from cli.terminal import err, out, print_json
from hangtag_client import Forecast, Job
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
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Besides the preset, such as augmentation.mode=views; repeatable.",
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the training to its end.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="The same, and show its curves.")] = False,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Say how long it would take, and start nothing.")
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(help="Write a picture of what augmentation does to a photo, and start nothing."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job as JSON.")] = False,
) -> None:
    """Train a new model version on a dataset version."""
    parameters = _parameters(change or [])
    with connect() as client:
        if preview is not None:
            preview.write_bytes(client.preview(preset, dataset_version=dataset_version, **parameters))
            err.print(f"Twelve variations of a training photo are in {preview}.", markup=False)
        if forecast:
            cost = client.forecast(preset, dataset_version=dataset_version, **parameters)
            _print_forecast(cost, as_json)
        if forecast or preview is not None:
            return
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


def _print_forecast(cost: Forecast, as_json: bool) -> None:
    if as_json:
        print_json(cost.as_json())
        return
    out.print(
        f"About {cost.at_most:.0f} s, less if it stops early: {cost.engine_seconds:.0f} s for the engine, "
        f"{cost.feature_seconds:.0f} s for the features of "
        f"{cost.new_photos} photos ({cost.kept_photos} are known), {cost.epochs} epochs of "
        f"{cost.epoch_seconds:.2f} s, {cost.tuning_seconds:.0f} s of fine-tuning. {cost.rests_on}"
    )


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
