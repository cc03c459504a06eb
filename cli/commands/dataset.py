"""`hangtag dataset`: labelled photos from a folder, or a public set of clothing photos from the network."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from cli import clothing_photos
from cli.local import local_settings
from cli.local_database import local_database
from cli.server import connect
from cli.terminal import bar, err, moment, out, print_json, print_table
from shared.blobs import BlobStore
from shared.datasets import store
from shared.datasets.csv_import import CsvImport
from shared.datasets.importing import ImportReport, import_folder
from shared.errors import ValidationError
from shared.jobs.states import Split
from shared.photos.decoder import Decoder
from shared.settings import Settings

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
                moment(version.created_at),
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
    if source.suffix.lower() == ".csv":
        _import_csv(local_settings(), source.resolve(), as_json)
    else:
        _import(local_settings(), source.resolve(), as_json)


@app.command()
def freeze(as_json: AsJson = False) -> None:
    """Make a dataset version of all examples there are now."""
    with local_database(local_settings()) as database, database.write() as session:
        version = store.freeze(session)
        number, digest = version.number, version.digest
    if as_json:
        print_json({"number": number, "sha256": digest})
    else:
        out.print(f"Dataset version {number} ({digest[:12]}).")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="clothing: 3,781 photos in 10 categories, CC0.")],
    as_json: AsJson = False,
) -> None:
    """Download a public set of labelled photos and import it."""
    if name != clothing_photos.NAME:
        raise ValidationError(f"There is no set called {name!r} to fetch; there is {clothing_photos.NAME!r}.")
    settings = local_settings()
    with tempfile.TemporaryDirectory(prefix="hangtag-dataset-") as folder:
        columns = (TextColumn("Downloading"), BarColumn(), DownloadColumn())
        with Progress(*columns, console=err, transient=True) as progress:
            task = progress.add_task("", total=None)
            photos = clothing_photos.fetch(
                Path(folder), lambda done, total: progress.update(task, completed=done, total=total)
            )
        _import(settings, photos, as_json)


def _import(settings: Settings, directory: Path, as_json: bool) -> None:
    with local_database(settings) as database, bar() as progress:
        task = progress.add_task("Photos", total=None)
        report = import_folder(
            database,
            BlobStore(settings.blob_url),
            directory,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)


def _import_csv(settings: Settings, file: Path, as_json: bool) -> None:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(f"{file} cannot be read as UTF-8 text: {error}") from error
    with local_database(settings) as database, closing(Decoder(1)) as decoder, bar() as progress:
        task = progress.add_task("Lines", total=None)
        importer = CsvImport(database, BlobStore(settings.blob_url), file.name, decoder, file.parent)
        report = importer.run(text, lambda done, total: progress.update(task, completed=done, total=total))
    if as_json:
        print_json(asdict(report))
        return
    for line, message in report.errors:
        out.print(f"line {line}: {message}")
    out.print(
        f"{report.added} examples added, {report.relabelled} relabelled, {report.unchanged} unchanged, "
        f"{len(report.errors)} lines left out. Make a version of them with: hangtag dataset freeze"
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


def _print(report: ImportReport) -> None:
    _print_counts(report.counts)
    for file, repeats in report.duplicates:
        out.print(f"left out, repeats {repeats}: {file}")
    for file, why in report.unreadable:
        out.print(f"left out, {why} {file}")
    out.print(
        f"{report.imported} photos imported, {report.already_known} known already, "
        f"{len(report.duplicates)} repeated, {len(report.unreadable)} unreadable. "
        f"Dataset version {report.dataset_version} ({report.dataset_digest[:12]}). Train on it: hangtag train"
    )
