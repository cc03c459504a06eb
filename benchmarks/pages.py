"""How light and how quick the pages are in a real Chromium, with an empty cache each time.

`python -m benchmarks.pages`: starts the web process with an installation of its own, opens each main page as
a seller and as an administrator and prints a table. Ends with 1 when a page exceeds a limit.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Response, StorageState, sync_playwright

from benchmarks.clients import lives
from benchmarks.figures import machine
from benchmarks.installation import new, process, redis_server, wait_until
from cli.sample_picture import sample_picture
from shared import accounts
from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.listings import store as listings
from shared.models.starter import ensure_starter
from shared.photos import predictions
from shared.photos import store as photos
from shared.photos.intake import prepare
from shared.settings import Settings
from shared.tables import Job

# Chromium under these names; its options are those of tests/browser.
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
QUIET_OPTIONS = ("--disable-background-networking", "--disable-component-update")
# What a page may cost: a second until something can be read, 100 kB before pictures, nothing that jumps.
MOST_SECONDS, MOST_KILOBYTES, MOST_SHIFT = 1.0, 100.0, 0.0
EVERYBODYS = (
    "/sell",
    "/listings",
    "/listings/{listing}",
    "/batches",
    "/jobs",
    "/jobs/{job}",
    "/account",
    "/api/docs",
)
ADMINS = (
    *("/home", *EVERYBODYS, "/review", "/jobs/failures", "/trainings", "/trainings/new", "/trainings/sweeps"),
    *("/data", "/versions", "/versions/1", "/people", "/people/keys", "/people/audit"),
)
PHOTOS = 12
ANSWER = {
    "category": "t-shirt",
    "confidence": 0.9,
    "decision": "suggest",
    "top": [{"category": "t-shirt", "probability": 0.9}, {"category": "shirt", "probability": 0.1}],
}
FAILED: dict[str, Any] = {
    "state": JobState.FAILED,
    "error_code": "blob_missing",
    "error_message": "The photo is gone.",
}
# Layout shifts are told to who asked for them before they happen.
WATCH = """
window.shift = 0;
new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.shift += entry.value; }))
  .observe({ type: "layout-shift", buffered: true });
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass(frozen=True, slots=True)
class Visit:
    """One opening of a page. `kilobytes` is all that was loaded but photos, before compression on the way."""

    seconds: float
    kilobytes: float
    shift: float
    complaints: list[str]


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="visits of each page; the middle one counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hangtag-pages-") as folder:
        settings = new(Path(folder) / "data")
        with redis_server(settings), process(settings, "web"), _chromium() as browser:
            wait_until(lambda: lives(settings), "the web process answers")
            sys.exit(1 if _measure(settings, browser, options.rounds) else 0)


def _measure(settings: Settings, browser: Browser, rounds: int) -> int:
    """Print a line per page. Returns how many exceed a limit."""
    print(f"{machine()}; Chromium {browser.version}, the middle of {rounds} visits with an empty cache")
    print("| page | as | first contentful paint | before pictures | layout shift | console errors |")
    print("|---|---|---|---|---|---|")
    exceeding = 0
    for role, names in (("seller", EVERYBODYS), ("admin", ADMINS)):
        link, ids = _prepare(settings, role)
        state = _signed_in(browser, settings, link)
        for name in names:
            visits = [_visit(browser, settings, state, name.format(**ids)) for _ in range(rounds)]
            exceeding += _told(name, role, visits)
    return exceeding


def _told(name: str, role: str, visits: list[Visit]) -> bool:
    seconds = statistics.median(visit.seconds for visit in visits)
    kilobytes = max(visit.kilobytes for visit in visits)
    shift = max(visit.shift for visit in visits)
    complaints = sorted({complaint for visit in visits for complaint in visit.complaints})
    high = seconds >= MOST_SECONDS or kilobytes >= MOST_KILOBYTES or shift > MOST_SHIFT or bool(complaints)
    said = "; ".join(complaints) or "0"
    mark = " **too much**" if high else ""
    print(
        f"| {name}{mark} | {role} | {seconds:.2f} s | {kilobytes:.0f} kB | {shift:.3f} | {said} |", flush=True
    )
    return high


def _visit(browser: Browser, settings: Settings, state: StorageState, path: str) -> Visit:
    context = _context(browser, settings, state)
    page = context.new_page()
    complaints: list[str] = []
    answers: list[Response] = []
    page.add_init_script(WATCH)
    page.on("console", lambda note: complaints.append(note.text) if note.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - marks its callbacks
    page.goto(path, wait_until="networkidle")
    page.wait_for_function(PAINTED)
    own = [answer for answer in answers if answer.headers.get("content-type") != "image/jpeg"]
    kilobytes = sum(len(answer.body()) for answer in own) / 1000
    found = Visit(page.evaluate(PAINTED) / 1000, kilobytes, page.evaluate("window.shift"), complaints)
    context.close()
    return found


def _signed_in(browser: Browser, settings: Settings, link: str) -> StorageState:
    context = _context(browser, settings)
    page = context.new_page()
    page.goto(f"/sign-in/{link}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    state = context.storage_state()
    context.close()
    return state


def _context(browser: Browser, settings: Settings, state: StorageState | None = None) -> BrowserContext:
    return browser.new_context(base_url=f"http://127.0.0.1:{settings.port}", storage_state=state)


def _prepare(settings: Settings, role: str) -> tuple[str, dict[str, str]]:
    """Somebody with a listing, answered photos and a failure; a link to sign in, and what addresses name."""
    ensure_starter(settings)
    blobs, database = BlobStore(settings.blob_url), Database(settings.database_url)
    try:
        with database.write() as session:
            person = accounts.add_user(session, f"Bench {role}", role)
            link = accounts.create_sign_in_link(session, person.id)
        with database.write() as session:
            listing = listings.create(session, person.id, "Blue shirt")
            for mark in range(PHOTOS):
                prepared = prepare(sample_picture(mark))
                prepared.store(blobs)
                photo, _ = photos.ensure(session, person.id, prepared, f"photo-{mark}.png")
                listings.add_photo(session, listing, photo)
                predictions.remember(session, photo.id, 1, "openvino", ANSWER)
                known = predictions.champions_results(session, [photo.id])[photo.id]
                job = store.create_answered(
                    session, JobKind.CLASSIFY, owner_id=person.id, photo_id=photo.id, result=known
                )
            session.add(Job(kind=JobKind.CLASSIFY, owner_id=person.id, finished_at=utc_now(), **FAILED))
        return link, {"listing": listing.id, "job": job.id}
    finally:
        database.close()


@contextmanager
def _chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        sys.exit("There is no Chromium on PATH. Install one to measure pages.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_OPTIONS, *QUIET_OPTIONS])
        yield browser
        browser.close()


if __name__ == "__main__":
    main()
