"""What holds for every page: nothing inline, nothing foreign, everything labelled, colours readable."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from shared import batches
from shared.blobs import BlobStore
from shared.database import Database
from shared.errors import PhotoTypeError
from shared.jobs.handling import FAILURES
from shared.photos.store import StoredPhoto
from tests.factories import add_champion, add_failures, add_job, add_listing, add_photo
from web import pages

STATIC = Path(pages.__file__).resolve().parents[1] / "static"
COLOUR = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
PAGES = (
    *("/home", "/sell", "/listings", "/review", "/jobs", "/jobs?state=failed", "/jobs/failures"),
    "/jobs/failures/retry?kind=classify&error_code=blob_missing",
    "/jobs/failures/discard?kind=classify&error_code=blob_missing",
    *("/batches", "/your-data"),
    *(
        "/versions",
        "/versions/1",
        "/versions/1/champion",
        "/account",
        "/account/webhooks",
        "/batches",
        "/your-data",
        "/people",
        "/people/keys",
        "/people/audit",
        "/api/docs",
        "/api/docs/models",
        "/api/docs/objects",
    ),
)


@pytest.fixture
def rendered(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore, admin: object
) -> dict[str, str]:
    """Every page an administrator may see, with something on it."""
    add_champion(database, blobs)
    photo = add_photo(database, blobs, admin)  # type: ignore[arg-type]
    listing = add_listing(database, admin, photo)  # type: ignore[arg-type]
    job = add_job(database, owner_id=photo.owner_id, photo_id=photo.id)
    for state in FAILURES:
        add_failures(database, 2, state=state, owner_id=photo.owner_id, photo_id=photo.id)
    with database.write() as session:
        sent = [batches.Sent("a.jpg", StoredPhoto(photo.digest, 1, 1, 1, "a.jpg"))]
        batch = batches.create(session, photo.owner_id, [*sent, batches.Sent("b.txt", PhotoTypeError())])
    return {
        path: admin_signed_in.get(path).text
        for path in (*PAGES, f"/jobs/{job.id}", f"/listings/{listing.id}", f"/batches/{batch.id}")
    }


def test_pages_keep_the_content_security_policy(rendered: dict[str, str]) -> None:
    for path, page in rendered.items():
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page), path


def test_pages_ask_no_other_server(rendered: dict[str, str]) -> None:
    for path, page in rendered.items():
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", page), path


def test_pages_have_one_heading_a_title_and_a_language(rendered: dict[str, str]) -> None:
    for path, page in rendered.items():
        assert page.count("<h1") == 1, path
        assert re.search(r"<title>[^<]+ · Hangtag</title>", page), path
        assert '<html lang="en">' in page


def test_every_field_has_a_label_and_every_picture_a_text(rendered: dict[str, str]) -> None:
    for path, page in rendered.items():
        for field in re.findall(r'<(?:input|textarea)(?![^>]*type="hidden")[^>]*>', page):
            name = re.search(r'\sid="([^"]+)"', field)
            assert name, (path, field)
            assert f'for="{name.group(1)}"' in page, (path, field)
        assert not re.search(r"<img(?![^>]*\salt=)", page), path


def test_ids_are_unique(rendered: dict[str, str]) -> None:
    for path, page in rendered.items():
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), path


def test_navigation_marks_where_one_is(rendered: dict[str, str]) -> None:
    for path, page in rendered.items():
        assert page.count('aria-current="page"') == 1, path


def tokens(scheme: str) -> dict[str, str]:
    """The colours of the light or the dark scheme."""
    light, dark = (STATIC / "css" / "tokens.css").read_text().split("@media (prefers-color-scheme: dark)")
    colours = dict(COLOUR.findall(light))
    return colours if scheme == "light" else {**colours, **dict(COLOUR.findall(dark))}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast ratio as WCAG 2 defines it."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT = [
    *product(("ink", "quiet", "brand", "good", "warn", "bad", "plot-1"), ("surface", "raised")),
    *product(("ink", "quiet"), ("sunken",)),
    ("on-brand", "brand"),
    ("on-brand", "brand-strong"),
    ("brand", "tint"),
    ("quiet", "tint"),
    *(("ink", f"{tone}-tint") for tone in ("good", "warn", "bad")),
    *(("ink", f"shade-{step}") for step in range(1, 6)),
    *(("on-shade-dark", f"shade-{step}") for step in range(6, 9)),
]
CONTROLS = [*product(("control", "focus", "plot-1", "plot-2", "plot-3", "plot-4"), ("surface", "raised"))]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_surface_it_stands_on(scheme: str) -> None:
    colours = tokens(scheme)
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in TEXT}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_controls_and_curves_stand_out(scheme: str) -> None:
    colours = tokens(scheme)
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in CONTROLS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


def test_every_icon_that_is_used_was_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (STATIC / "icons.svg").read_text()))
    templates = STATIC.parent / "templates"
    used = {
        name
        for page in templates.rglob("*.html")
        for name in re.findall(r'(?:icon\(|notice\("\w+", )"(\w+)"', page.read_text())
    }
    assert used
    assert used <= drawn
