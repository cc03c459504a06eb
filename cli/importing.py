"""Bringing labelled photos into the data folder, with bars that show how far it is."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from cli import clothing_photos
from cli.local_database import local_database
from cli.terminal import bar, err
from shared.blobs import BlobStore
from shared.datasets.csv_import import CsvImport, CsvReport
from shared.datasets.importing import ImportReport, import_folder
from shared.errors import ValidationError
from shared.photos.decoder import Decoder
from shared.settings import Settings


def import_photos(settings: Settings, directory: Path) -> ImportReport:
    """Import a folder of split folders of category folders.

    Raises:
        ValidationError: it does not exist, or is not such a folder.
        SettingsError: Hangtag was never started here.
    """
    if not directory.exists():
        raise ValidationError(f"{directory} does not exist. Name a folder with train/, validation/, test/.")
    with local_database(settings) as database, bar() as progress:
        task = progress.add_task("Photos", total=None)
        return import_folder(
            database,
            BlobStore(settings.blob_url),
            directory,
            lambda done, total: progress.update(task, completed=done, total=total),
        )


def import_table(settings: Settings, file: Path) -> CsvReport:
    """Import a table of photos and labels.

    Raises:
        ValidationError: it cannot be read as a table in UTF-8.
        SettingsError: Hangtag was never started here.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"{file} is not in UTF-8 ({error.reason}). Save it as UTF-8 and import it again."
        ) from error
    with local_database(settings) as database, closing(Decoder(1)) as decoder, bar() as progress:
        task = progress.add_task("Lines", total=None)
        importer = CsvImport(database, BlobStore(settings.blob_url), file.name, decoder, file.parent)
        return importer.run(text, lambda done, total: progress.update(task, completed=done, total=total))


def fetch_and_import(settings: Settings, name: str) -> ImportReport:
    """Download a public set of labelled photos and import it.

    Raises:
        ValidationError: there is no such set.
        FetchError: it could not be downloaded.
        SettingsError: Hangtag was never started here.
    """
    if name != clothing_photos.NAME:
        raise ValidationError(f"There is no set called {name!r} to fetch; there is {clothing_photos.NAME!r}.")
    with tempfile.TemporaryDirectory(prefix="hangtag-dataset-") as folder:
        columns = (TextColumn("Downloading"), BarColumn(), DownloadColumn())
        with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
            task = progress.add_task("", total=None)
            photos = clothing_photos.fetch(
                Path(folder), lambda done, total: progress.update(task, completed=done, total=total)
            )
        return import_photos(settings, photos)
