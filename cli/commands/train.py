"""`hangtag train`: a training job through the same queue as everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.assignments import changes
from cli.client import connect
from cli.following import follow_training, follow_with_bar
from cli.lazy import FAILED
from cli.terminal import err, out, print_json

app = typer.Typer(add_completion=False)


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
    body: dict[str, Any] = {"preset": preset, **changes(change or [])}
    if dataset_version is not None:
        body["dataset_version"] = dataset_version
    with connect() as client:
        if preview is not None:
            preview.write_bytes(client.post_for_bytes("/api/v1/trainings/preview", body))
            err.print(f"Twelve variations of a training photo are in {preview}.")
        if forecast:
            _print_forecast(client.post("/api/v1/trainings/forecast", body), as_json)
        if forecast or preview is not None:
            return
        job = client.post("/api/v1/trainings", body)["job"]
        if watch or wait:
            job = follow_training(client, job) if watch else follow_with_bar(client, job)
    if as_json:
        print_json(job)
    else:
        err.print(_sentence(job))
    if (watch or wait) and job["state"] != "succeeded":
        raise typer.Exit(FAILED)


def _print_forecast(cost: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(cost)
        return
    out.print(
        f"At most {cost['at_most']:.0f} s: {cost['feature_seconds']:.0f} s for the features of "
        f"{cost['new_photos']} photos ({cost['kept_photos']} are known), {cost['epochs']} epochs of "
        f"{cost['epoch_seconds']:.2f} s, {cost['tuning_seconds']:.0f} s of fine-tuning. {cost['rests_on']}"
    )


def _sentence(job: dict[str, Any]) -> str:
    if job["state"] == "succeeded":
        number = job["result"]["model_version"]
        return f"Training {job['id']} made version {number}. See it with 'hangtag models'."
    if job["error"]:
        return f"Training {job['id']} {job['state']}: {job['error']['message']}"
    return f"Training {job['id']} is {job['state']}. Follow it with 'hangtag jobs --kind train'."
