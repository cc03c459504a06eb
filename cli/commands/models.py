"""`hangtag models`: the versions, their accuracy, which of them serves; and one of them as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.local import local_settings
from cli.server import connect
from cli.terminal import ago, err, moment, out, print_facts, print_json, print_table
from hangtag_client import ModelVersion

app = typer.Typer(add_completion=False, invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[int, typer.Argument(help="The number of the version.")]


@app.callback()
def models(context: typer.Context, as_json: AsJson = False) -> None:
    """List model versions; show or export one."""
    if context.invoked_subcommand is not None:
        return
    with connect() as client:
        found = client.models()
    if as_json:
        print_json([version.as_json() for version in found])
        return
    print_table(
        ("version", "aliases", "test accuracy", "validation", "image size", "created"),
        (
            (
                *(version.number, ", ".join(version.aliases) or None),
                *(_accuracy(version, "test"), _accuracy(version, "validation", interval=False)),
                *(version.image_size, ago(version.created_at)),
            )
            for version in found
        ),
        cut=["aliases"],
        empty="There are no versions yet. Make one: hangtag train",
    )


@app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show a version: where it comes from, how good it is, by category."""
    with connect() as client:
        version = client.model(number)
    if as_json:
        print_json(version.as_json())
    else:
        _print(version)


@app.command()
def export(
    number: Number, directory: Annotated[Path, typer.Argument(help="The folder to write it to.")]
) -> None:
    """Write a version's head, its facts and its model card into a folder."""
    # The other commands need no database.
    from cli.local_database import require_database  # noqa: PLC0415
    from shared.models.starter import export_starter  # noqa: PLC0415

    settings = local_settings()
    require_database(settings)
    export_starter(settings, number, directory)
    err.print(f"Version {number} is in {directory}.", markup=False)


def _print(version: ModelVersion) -> None:
    print_facts(
        (
            ("version", version.number),
            ("aliases", ", ".join(version.aliases) or "none, so it answers nobody"),
            ("created", moment(version.created_at)),
            ("image size", f"{version.image_size} px"),
            ("dataset version", version.lineage.get("dataset_version")),
            ("test accuracy", _accuracy(version, "test")),
            ("validation accuracy", _accuracy(version, "validation")),
        )
    )
    rows = list(_by_category(version.metrics.get("test") or {}))
    if rows:
        out.print()
        print_table(("category", "precision", "recall", "test photos"), rows, cut=["category"])
    if "champion" not in version.aliases:
        err.print(f'Let it answer sellers: hangtag promote {version.number} --reason "..."', markup=False)


def _by_category(figures: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for found in figures.get("per_class") or []:
        shares = (None if found[name] is None else f"{found[name]:.3f}" for name in ("precision", "recall"))
        yield found["category"], *shares, found["support"]


def _accuracy(version: ModelVersion, split: str, *, interval: bool = True) -> str | None:
    figures = version.metrics.get(split)
    if not figures:
        return None
    around = figures.get("interval") if interval else None
    spread = f" ({around[0]:.3f} to {around[1]:.3f})" if around else ""
    return f"{figures['accuracy']:.3f}{spread}"
