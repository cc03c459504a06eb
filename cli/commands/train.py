"""`hangtag train`: a training job through the same queue as everything else."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from cli.client import TERMINAL_STATES, Client, connect
from cli.lazy import FAILED
from cli.terminal import bar, err, print_json
from shared.errors import SettingsError

app = typer.Typer(add_completion=False)
# Shorter than a long poll could be, so that the bar moves.
FOLLOW_SECONDS = 2


@app.command()
def train(
    preset: Annotated[str, typer.Option(help="quick, balanced or best.")] = "best",
    dataset_version: Annotated[int | None, typer.Option(help="The newest one when left out.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE that differs from the preset; repeatable.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the training to its end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the job as JSON.")] = False,
) -> None:
    """Train a new model version on a dataset version."""
    body: dict[str, Any] = {"preset": preset, **_changes(change or [])}
    if dataset_version is not None:
        body["dataset_version"] = dataset_version
    with connect() as client:
        job = client.post("/api/v1/trainings", body)["job"]
        if wait:
            job = _follow(client, job)
    if as_json:
        print_json(job)
    else:
        err.print(_sentence(job))
    if wait and job["state"] != "succeeded":
        raise typer.Exit(FAILED)


def _changes(pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE texts as a mapping; values are numbers where they look like numbers.

    Raises:
        SettingsError: a text has no equals sign.
    """
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, separator, raw = pair.partition("=")
        if not separator:
            raise SettingsError(
                f"--set takes NAME=VALUE, for example --set learning_rate=0.001, not {pair!r}."
            )
        changes[name.strip()] = _value(raw.strip())
    return changes


def _value(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw


def _follow(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    with bar() as progress:
        task = progress.add_task("waiting", total=None)
        while job["state"] not in TERMINAL_STATES:
            job = client.job(job["id"], wait_seconds=FOLLOW_SECONDS)
            now = job["progress"]
            progress.update(
                task, description=now["stage"] or job["state"], completed=now["done"], total=now["total"]
            )
    return job


def _sentence(job: dict[str, Any]) -> str:
    if job["state"] == "succeeded":
        number = job["result"]["model_version"]
        return f"Training {job['id']} made version {number}. See it with 'hangtag models'."
    if job["error"]:
        return f"Training {job['id']} {job['state']}: {job['error']['message']}"
    return f"Training {job['id']} is {job['state']}. Follow it with 'hangtag jobs --kind train'."
