"""Dataset versions: what trainings learn from, and what to know about it before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shared.datasets import labels, reports, store
from shared.datasets.csv_import import CsvReport
from shared.datasets.findings import Finding
from shared.datasets.reports import Report
from shared.datasets.withdrawn import withdrawn
from shared.errors import NotFoundError, ValidationError
from shared.jobs.states import JobKind, Split
from shared.tables import DatasetVersion
from web.auth import identity, page_login_required
from web.pages import blueprint
from web.pages.flashes import DONE
from web.pages.present.version_views import AnsweredPhoto
from web.pages.present.words import category_label
from web.pages.reading import database_integer
from web.pages.returning import back
from web.services import services
from web.table_import import import_table

PHOTOS_PER_PAGE = 60
# In the overview of a version, per category.
SAMPLES = 6
SIDE_WORDS = {Split.TRAIN: "Training", Split.VALIDATION: "Validation", Split.TEST: "Test"}
# Of one finding; all of them are in the report as JSON.
FINDING_PHOTOS = 12
# Lines of a table that were left out; who has more mends these first, and imports the table again.
LINES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A dataset version with what is known about it."""

    version: DatasetVersion
    report: Report


@dataclass(frozen=True, slots=True)
class FoundPhoto(AnsweredPhoto):
    """A photo of a finding. `correction` is the category that its label could be corrected to; `unchanged`
    says that nothing was done about it since."""

    correction: str | None
    unchanged: bool


@dataclass(frozen=True, slots=True)
class CountRow:
    """One category with its photos per side and some of them."""

    name: str
    counts: list[int]
    samples: list[AnsweredPhoto]


@blueprint.get("/data")
@page_login_required("reviewer")
def datasets() -> str:
    """All dataset versions, newest first, and whether there is something new to make one of."""
    return _index()


@blueprint.post("/data/versions")
@page_login_required("admin")
def make_dataset() -> Response | tuple[str, int]:
    """Freeze the examples there are now, and have the version looked at; with `then`, go on to a training."""
    try:
        with services().database.write() as session:
            number = store.freeze(session).number
            job_id = reports.ensure(session, number, identity().user.id)
    except ValidationError as error:
        return _index(error.message), error.status
    if job_id is not None:
        services().queue.publish(JobKind.REPORT, job_id)
    flash(f"Dataset version {number} holds the examples of this moment.", DONE)
    if request.form.get("then") == "train":
        return redirect(url_for("pages.new_training", dataset=number), code=303)
    return redirect(url_for("pages.dataset", number=number), code=303)


@blueprint.post("/data/examples")
@page_login_required("admin")
def import_labels() -> str | tuple[str, int]:
    """Take a table of labels, and say what was done with it line by line."""
    table = request.files.get("table")
    if table is None or not table.filename:
        return _index("You have not chosen a table yet. Choose one, then import it."), 422
    try:
        return _index(imported=import_table(table.read()))
    except ValidationError as error:
        return _index(error.message), error.status


@blueprint.post("/data/<int:number>/labels")
@page_login_required("admin")
def correct_label(number: int) -> Response:
    """Correct the label of one photo, for the dataset versions to come."""
    label = request.form.get("label", "")
    with services().database.write() as session:
        if label not in store.find(session, number).classes:
            raise NotFoundError("This dataset version has no such category.")
        labels.relabel(session, _photo_of(session, number), label, identity().user.name)
    flash(f"Corrected to: {category_label(label)}. Dataset versions made from now on say so.", DONE)
    return back(url_for("pages.dataset", number=number))


@blueprint.post("/data/<int:number>/photos/remove")
@page_login_required("admin")
def take_out_photo(number: int) -> Response:
    """Leave a photo out of the dataset versions to come."""
    with services().database.write() as session:
        labels.take_out(session, _photo_of(session, number))
    flash("Taken out. Dataset versions made from now on do without it.", DONE)
    return back(url_for("pages.dataset", number=number))


@blueprint.get("/data/<int:number>")
@page_login_required("reviewer")
def dataset(number: int) -> str:
    """One dataset version: report, counts, some photos of each category."""
    with services().database.read() as session:
        version = store.find(session, number)
        report = reports.of(session, version)
        job = reports.running(session, number)
        samples = store.samples(session, number, SAMPLES)
        deleted = withdrawn(session, number)
        shown = {found.name: _found_photos(session, number, found, deleted) for found in report.findings}
    rows = [
        CountRow(
            name,
            [version.counts.get(split.value, {}).get(name, 0) for split in Split],
            [_photo(line) for line in samples[name] if line.digest not in deleted],
        )
        for name in version.classes
    ]
    return render_template(
        "data/dataset.html",
        version=version,
        deleted=len(deleted),
        report=report,
        shown=shown,
        job=job,
        rows=rows,
        totals=[sum(row.counts[place] for row in rows) for place in range(len(Split))],
        splits=list(Split),
    )


@blueprint.get("/data/<int:number>/photos")
@page_login_required("reviewer")
def dataset_photos(number: int) -> str:
    """The photos of one category of a dataset version, of one side if that is wanted."""
    label = request.args.get("label", "")
    offset = max(0, request.args.get("offset", 0, type=database_integer))
    with services().database.read() as session:
        version = store.find(session, number)
        split = _split(request.args.get("split"))
        lines, total = store.photos(session, number, label, split, offset=offset, limit=PHOTOS_PER_PAGE)
        deleted = withdrawn(session, number)
    return render_template(
        "data/photos.html",
        version=version,
        label=label,
        split=split,
        splits=list(Split),
        photos=[_photo(line) for line in lines if line.digest not in deleted],
        deleted=sum(line.digest in deleted for line in lines),
        total=total,
        offset=offset,
        per_page=PHOTOS_PER_PAGE,
    )


@blueprint.post("/data/<int:number>/report")
@page_login_required("admin")
def look_at_dataset(number: int) -> Response:
    """Have every photo of a dataset version looked at."""
    with services().database.write() as session:
        store.find(session, number)
        job_id = reports.request(session, number, identity().user.id).id
    services().queue.publish(JobKind.REPORT, job_id)
    flash("A worker was asked to look at every photo.", DONE)
    return redirect(url_for("pages.dataset", number=number), code=303)


def _index(error: str | None = None, imported: CsvReport | None = None) -> str:
    with services().database.read() as session:
        rows = [DatasetRow(*known) for known in reports.of_all(session, store.versions(session))]
        waiting = store.unfrozen(session)
    return render_template(
        "data/index.html",
        rows=rows,
        waiting=waiting,
        splits=list(Split),
        error=error,
        imported=imported,
        shown_lines=LINES_SHOWN,
    )


def _photo_of(session: Session, number: int) -> str:
    """The digest of the photo in the form.

    Raises:
        NotFoundError: this dataset version does not have it.
    """
    digest = request.form.get("photo", "")
    if digest not in store.among(session, number, [digest]):
        raise NotFoundError("This dataset version has no such photo.")
    return digest


def _split(name: str | None) -> Split | None:
    """The side in the address.

    Raises:
        NotFoundError: it names none.
    """
    if not name:
        return None
    try:
        return Split(name)
    except ValueError as error:
        raise NotFoundError(f"There is no side called {name[:40]!r}.") from error


def _photo(line: store.Line) -> AnsweredPhoto:
    label = category_label(line.label)
    return AnsweredPhoto(line.digest, f"A photo of: {label}", "", [SIDE_WORDS[line.split]])


def _found_photos(
    session: Session, number: int, finding: Finding, deleted: Collection[str]
) -> list[FoundPhoto]:
    """Some photos of a finding with their labels, what they look like, and whether that was corrected."""
    digests = list(dict.fromkeys(finding.photos))[:FINDING_PHOTOS]
    lines, now = store.among(session, number, digests), store.known_examples(session, digests)
    likely = dict(zip(finding.photos, finding.likely, strict=False))
    return [
        _found_photo(lines[digest], now[digest].label if digest in now else None, likely.get(digest))
        for digest in digests
        if digest in lines and digest not in deleted
    ]


def _found_photo(line: store.Line, now: str | None, likely: str | None) -> FoundPhoto:
    label = category_label(line.label)
    words = [SIDE_WORDS[line.split]]
    if likely:
        words.append(f"Looks like: {category_label(likely)}")
    if now != line.label:
        words.append(f"Corrected to: {category_label(now)}" if now else "Taken out")
    unchanged = now == line.label
    correction = likely if unchanged else None
    return FoundPhoto(line.digest, f"A photo labelled: {label}", label, words, correction, unchanged)
