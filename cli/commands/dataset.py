"""`hangtag dataset`: labelled photos from a folder, or a public set of clothing photos from the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.local import local_settings
from cli.server import connect
from cli.terminal import ago, err, out, print_json, print_table
from shared.jobs.states import Split

if TYPE_CHECKING:
    from shared.datasets.csv_import import CsvReport
    from shared.datasets.importing import ImportReport

app = typer.Typer(add_completion=False, no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def dataset() -> None:
    """Import labelled photos; list dataset versions."""


@app.command("list")
def list_versions(as_json: AsJson = False) -> None:
    """List the dataset versions, newest first."""
    with connect() as client:
        found = client.datasets()
    if as_json:
        print_json([version.as_json() for version in found])
        return
    splits = [split.value for split in Split]
    print_table(
        ("version", "categories", *splits, "created"),
        (
            (
                *(version.number, len(version.classes)),
                *(sum(version.counts.get(split, {}).values()) for split in splits),
                ago(version.created_at),
            )
            for version in found
        ),
        empty="There are no dataset versions yet. Import photos: hangtag dataset import DIR",
    )


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="The number of the dataset version.")], as_json: AsJson = False
) -> None:
    """Show how many photos a dataset version has in each category and split."""
    with connect() as client:
        found = client.dataset(number)
    if as_json:
        print_json(found.as_json())
        return
    _print_counts(found.counts)
    err.print(f"Train on it: hangtag train --dataset-version {found.number}")


@app.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(help="A folder with train/, validation/ and test/, or a CSV file."),
    ],
    as_json: AsJson = False,
) -> None:
    """Import a folder of split folders of category folders, or a table of photos and labels.

    From a folder, what is known already is left alone. A table names photos by their path beside it, their
    SHA-256 or their id; it corrects the labels of those that are known, and lists the lines that are wrong.
    """
    from cli import importing  # noqa: PLC0415 - the others need no database and no photos

    if source.suffix.lower() == ".csv":
        _print_table_report(importing.import_table(local_settings(), source.resolve()), as_json)
    else:
        _print_report(importing.import_photos(local_settings(), source.resolve()), as_json)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="clothing: 3,781 photos in 10 categories, CC0.")],
    as_json: AsJson = False,
) -> None:
    """Download a public set of labelled photos and import it."""
    from cli import importing  # noqa: PLC0415 - see above

    _print_report(importing.fetch_and_import(local_settings(), name), as_json)


@app.command()
def freeze(as_json: AsJson = False) -> None:
    """Make a dataset version of all examples there are now."""
    with connect() as client:
        version = client.create_dataset_version()
    if as_json:
        print_json(version.as_json())
    else:
        out.print(
            f"Dataset version {version.number} ({version.sha256[:12]}). "
            f"Train on it: hangtag train --dataset-version {version.number}"
        )


def _print_counts(counts: Mapping[str, Mapping[str, int]]) -> None:
    splits = [split.value for split in Split]
    labels = sorted({label for here in counts.values() for label in here})
    counted = [[counts.get(split, {}).get(label, 0) for split in splits] for label in labels]
    print_table(
        ("category", *splits),
        ([label, *row] for label, row in zip(labels, counted, strict=True)),
        cut=["category"],
    )


def _print_report(report: ImportReport, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    _print_counts(report.counts)
    for file, repeats in report.duplicates:
        out.print(f"left out, repeats {repeats}: {file}", markup=False)
    for file, why in report.unreadable:
        out.print(f"left out, {why} {file}", markup=False)
    for file, side in report.other_side:
        out.print(f"stays on the {side} side, because a photo never changes sides: {file}", markup=False)
    out.print(
        f"{report.imported} photos imported, {report.already_known} known already, "
        f"{len(report.duplicates)} repeated, {len(report.unreadable)} unreadable. "
        f"{_holds(report)} Train on it: hangtag train --dataset-version {report.dataset_version}"
    )


def _holds(report: ImportReport) -> str:
    """What is in the dataset version: all examples there are, not only those of the folder."""
    these = report.imported + report.already_known
    name = f"Dataset version {report.dataset_version} ({report.dataset_digest[:12]})"
    if not report.others:
        return f"{name} holds these {these:,} photos and no others."
    return (
        f"{name} holds {these + report.others:,} photos, as counted above: these {these:,}, and "
        f"{report.others:,} more from earlier imports, sellers and reviewers."
    )


def _print_table_report(report: CsvReport, as_json: bool) -> None:
    if as_json:
        errors = [{"line": line, "message": message} for line, message in report.errors]
        print_json({**asdict(report), "errors": errors})
        return
    for line, message in report.errors:
        out.print(f"line {line}: {message}", markup=False)
    out.print(
        f"{report.added} examples added, {report.relabelled} relabelled, {report.unchanged} unchanged, "
        f"{len(report.errors)} lines left out. Make a version of them with: hangtag dataset freeze"
    )
