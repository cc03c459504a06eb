"""`hangtag models`: the versions, their accuracy, which serves; two compared; one tried, or as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import ApiError, Client, connect, local_settings
from cli.following import follow_with_bar
from cli.lazy import FAILED
from cli.terminal import err, print_json, print_table
from shared.models.starter import export_starter

app = typer.Typer(add_completion=False, invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List model versions, compare, try or export them."""
    if context.invoked_subcommand is not None:
        return
    with connect() as client:
        found = client.get("/api/v1/models")["versions"]
    if as_json:
        print_json(found)
        return
    print_table(
        ("version", "aliases", "test accuracy", "validation", "image size", "classes", "created"),
        (
            (
                version["number"],
                ", ".join(version["aliases"]) or None,
                _accuracy(version, "test"),
                _accuracy(version, "validation"),
                version["image_size"],
                len(version["classes"]),
                version["created_at"],
            )
            for version in found
        ),
    )


@app.command()
def export(
    number: Annotated[int, typer.Argument(help="The number of the version.")],
    directory: Annotated[Path, typer.Argument(help="The folder to write it to.")],
) -> None:
    """Write a version's head, its facts and its model card into a folder."""
    export_starter(local_settings(), number, directory)
    err.print(f"Version {number} is in {directory}.")


@app.command()
def compare(
    a: Annotated[int, typer.Argument(help="The version to compare with.")],
    b: Annotated[int, typer.Argument(help="The version that is compared.")],
    as_json: AsJson = False,
) -> None:
    """Compare two versions photo by photo; both answer the same test photos first if they have not yet."""
    with connect() as client:
        found = _comparison(client, a, b)
        if found is None:
            job = follow_with_bar(client, client.post("/api/v1/models/compare", {"a": a, "b": b})["job"])
            _require_success(job)
            found = client.get("/api/v1/models/compare", a=a, b=b)
    if as_json:
        print_json(found)
        return
    outcomes = {"all": found["overall"], **found["per_class"]}
    print_table(
        ("category", "photos", f"version {a}", f"version {b}", "fixed", "broken", "both wrong", "p"),
        (
            (
                name,
                one["count"],
                f"{one['accuracy_a']:.3f}",
                f"{one['accuracy_b']:.3f}",
                one["fixed"],
                one["broken"],
                one["both_wrong"],
                f"{one['p_value']:.3g}",
            )
            for name, one in outcomes.items()
        ),
    )


@app.command()
def imagenet(as_json: AsJson = False) -> None:
    """Bring the untouched ImageNet network in, to try it on photos. It never answers sellers."""
    with connect() as client:
        job = follow_with_bar(client, client.post("/api/v1/models/imagenet", {})["job"])
    _require_success(job)
    number = job["result"]["model_version"]
    if as_json:
        print_json(job["result"])
    else:
        err.print(f"It is version {number}. Try it with 'hangtag models try {number} PHOTO'.")


@app.command("try")
def try_(
    number: Annotated[int, typer.Argument(help="The number of the version.")],
    photo: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A photo.")],
    as_json: AsJson = False,
) -> None:
    """Try a version on a photo, beside the champion. Sellers see nothing of it."""
    with connect() as client:
        job = client.upload(f"/api/v1/models/{number}/tries", photo.name, photo.read_bytes())["job"]
        job = follow_with_bar(client, job)
    _require_success(job)
    answers = job["result"]["answers"]
    if as_json:
        print_json(answers)
        return
    print_table(
        ("version", "answer", "confidence", "then"),
        (
            (
                one["model_version"],
                one["category"],
                f"{one['confidence']:.3f}",
                ", ".join(f"{other['category']} {other['probability']:.3f}" for other in one["top"][1:]),
            )
            for one in answers
        ),
    )


def _comparison(client: Client, a: int, b: int) -> dict[str, Any] | None:
    """What is known; None when the two were not evaluated on the same photos yet."""
    try:
        found: dict[str, Any] = client.get("/api/v1/models/compare", a=a, b=b)
    except ApiError as error:
        if error.problem_code == "not_found":
            return None
        raise
    return found


def _require_success(job: dict[str, Any]) -> None:
    if job["state"] != "succeeded":
        said = (job["error"] or {}).get("message") or f"The job was {job['state']}."
        err.print(said)
        raise typer.Exit(FAILED)


def _accuracy(version: dict[str, Any], split: str) -> str | None:
    figures = version["metrics"].get(split)
    if not figures:
        return None
    interval = figures.get("interval")
    spread = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return f"{figures['accuracy']:.3f}{spread}"
