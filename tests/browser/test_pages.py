"""The pages in a real browser, on the running system with its real worker."""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Response, expect

from shared.clock import utc_now
from shared.database import Database
from shared.errors import LeaseLostError
from shared.jobs import store
from shared.jobs.backoff import MAX_BACKOFF_SECONDS
from shared.jobs.states import JobKind, JobState
from shared.tables import Job
from tests.browser.axe import serious_findings
from tests.browser.conftest import Visit
from tests.factories import picture
from tests.live_system import LiveSystem
from worker.lease import Lease
from worker.stopping import PlannedStop

pytestmark = pytest.mark.browser

PAGES = (
    "/home",
    "/sell",
    "/listings",
    "/review",
    "/jobs",
    "/jobs/failures",
    "/versions",
    "/versions/1",
    "/versions/1/champion",
    "/account/webhooks",
    "/api/docs",
    "/api/docs/models",
    "/api/docs/objects",
)
MOST_BYTES = 100_000
UNSETTLED = "#cards > :is([data-state=uploading], [data-state=queued], [data-state=working])"


def photos(*seeds: int) -> list[FilePayload]:
    """Pictures to upload."""
    return [
        {"name": f"photo-{seed}.jpg", "mimeType": "image/jpeg", "buffer": picture(seed)} for seed in seeds
    ]


def card(page: Page, name: str) -> Locator:
    """The newest card with this file name."""
    return page.locator("#cards > .photo-card", has=page.get_by_title(name, exact=True)).first


def waiting_job(system: LiveSystem) -> Job:
    """A job that no worker takes within this test: it was tried, and its next turn is as late as can be.

    One that was never tried, or whose turn is later still, is taken at once.
    """
    database = Database(system.settings.database_url)
    with database.write() as session:
        job = store.create(session, JobKind.CLASSIFY)
        job.attempt, job.run_after = 1, utc_now() + timedelta(seconds=MAX_BACKOFF_SECONDS)
    database.close()
    return job


def test_several_photos_get_their_answers_without_reloading(visit: Visit) -> None:
    visit.page.goto("/sell")
    visit.page.get_by_label("Drop photos here").set_input_files(photos(101, 102, 103))
    for name in ("photo-101.jpg", "photo-102.jpg", "photo-103.jpg"):
        place = card(visit.page, name)
        expect(place).to_have_attribute("data-state", re.compile("answered|asks"))
        expect(place.locator(".suggestions li")).to_have_count(3)
    expect(visit.page.locator("#announcements")).to_contain_text("photo-10")
    assert visit.complaints == []
    assert visit.foreign == []


def test_a_card_keeps_its_size_in_every_state(visit: Visit) -> None:
    visit.page.goto("/sell")
    visit.page.get_by_label("Drop photos here").set_input_files(photos(111))
    place = card(visit.page, "photo-111.jpg")
    before = place.bounding_box()
    expect(place).to_have_attribute("data-state", re.compile("answered|asks"))
    assert place.bounding_box() == before


def test_a_bad_file_is_explained_and_the_others_go_on(visit: Visit) -> None:
    visit.page.goto("/sell")
    bad: FilePayload = {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"not a photo"}
    visit.page.get_by_label("Drop photos here").set_input_files([bad, *photos(121)])
    refused = card(visit.page, "notes.jpg")
    expect(refused.locator(".photo-message")).to_contain_text("JPEG, PNG and WebP")
    expect(refused).to_contain_text("Not used")
    expect(refused.locator(".photo-name")).to_be_visible()
    assert refused.locator(".photo-message").evaluate("it => it.scrollHeight <= it.clientHeight")
    answered = re.compile("answered|asks")
    expect(card(visit.page, "photo-121.jpg")).to_have_attribute("data-state", answered)


def test_a_lost_connection_is_named_and_bridged(visit: Visit) -> None:
    visit.page.goto("/sell")
    visit.context.set_offline(True)
    visit.page.get_by_label("Drop photos here").set_input_files(photos(131))
    place = card(visit.page, "photo-131.jpg")
    expect(place).to_contain_text("There is no connection to Hangtag.")
    visit.context.set_offline(False)
    expect(place).to_have_attribute("data-state", re.compile("answered|asks"))


def test_photos_are_answered_without_javascript(plain_page: Page) -> None:
    plain_page.goto("/sell")
    plain_page.locator("#photos").set_input_files(photos(141, 142))
    plain_page.get_by_role("button", name="Upload photos").click()
    expect(card(plain_page, "photo-141.jpg")).to_be_visible()
    expect(plain_page.locator(UNSETTLED)).to_have_count(0)
    expect(card(plain_page, "photo-142.jpg").locator(".suggestions li")).to_have_count(3)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_and_quiet(visit: Visit, path: str) -> None:
    answers: list[Response] = []
    visit.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - marks its callbacks
    visit.page.goto(path)
    own = [answer for answer in answers if not answer.url.endswith("/thumbnail")]
    sizes = {answer.url: len(answer.body()) for answer in own}
    assert 0 < sum(sizes.values()) < MOST_BYTES, sizes
    assert visit.complaints == []
    assert visit.foreign == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_narrow_screen(phone: Page, path: str) -> None:
    phone.goto(path)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_listing_with_many_photos_and_a_long_name_fit_a_narrow_screen(
    phone: Page, live_system: LiveSystem
) -> None:
    with live_system.api() as api:
        listing = api.post("/api/v1/listings", json={"title": "A coat"}).json()
        for seed in range(161, 166):
            files = {"photo": (f"photo-{seed}.jpg", picture(seed)), "listing_id": (None, listing["id"])}
            api.post("/api/v1/classifications", files=files, headers={"Prefer": "wait=30"})
    phone.goto(f"/listings/{listing['id']}")
    expect(phone.locator("#cards > .photo-card")).to_have_count(5)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    name = phone.locator(".who-name")
    name.evaluate("element => element.firstChild.data = 'Somebody With A Rather Long Name'")
    brand, who = phone.locator(".brand").bounding_box(), name.bounding_box()
    assert brand
    assert who
    assert who["y"] < brand["y"] + brand["height"]


@pytest.mark.parametrize("path", PAGES)
def test_targets_are_large_enough_for_a_finger(phone: Page, path: str) -> None:
    phone.goto(path)
    small = phone.evaluate(
        """() => [...document.querySelectorAll(
            ".button, .option, .navigation a, .chips a, .row-link, summary")]
            .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 44)
            .map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_the_keyboard_reaches_the_content_first(visit: Visit) -> None:
    visit.page.goto("/sell")
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator("#photos")).to_be_focused()


def test_a_job_page_follows_its_job(visit: Visit, live_system: LiveSystem) -> None:
    job = waiting_job(live_system)
    visit.page.goto(f"/jobs/{job.id}")
    expect(visit.page.locator("#job-state")).to_have_text("Waiting")
    database = Database(live_system.settings.database_url)
    with database.write() as session:
        store.request_cancel(session, job.id)
    database.close()
    expect(visit.page.locator("#job-state")).to_have_text("Cancelled")
    expect(visit.page.get_by_role("button", name="Try again")).to_be_visible()
    assert visit.complaints == []


def test_what_was_said_about_a_state_goes_when_the_state_does(visit: Visit, live_system: LiveSystem) -> None:
    database = Database(live_system.settings.database_url)
    with database.write() as session:
        job = store.create(session, JobKind.CLASSIFY)
        store.claim(session, JobKind.CLASSIFY, "w", 1, job.id)
    with Lease(database, job.id, 1, PlannedStop()):  # else the reaper has it back from a slow browser
        visit.page.goto(f"/jobs/{job.id}")
        visit.page.get_by_role("button", name="Cancel this job").click()
        visit.page.get_by_role("dialog").get_by_role("button", name="Cancel this job").click()
        said = visit.page.get_by_text("It stops at its next step.")
        expect(said.and_(visit.page.locator("[data-news] p"))).to_be_visible()
    with database.write() as session, suppress(LeaseLostError):  # asked to stop, the reaper ends it as well
        store.cancelled(session, job.id, 1)
    database.close()
    expect(visit.page.locator("#job-state")).to_have_text("Cancelled")
    expect(visit.page.locator("[data-news]")).to_have_count(0)
    assert visit.complaints == []


def test_where_a_category_came_from_is_shown_and_said(visit: Visit, live_system: LiveSystem) -> None:
    with live_system.api() as api:
        files = {"photo": ("photo.jpg", picture(151))}
        sent = api.post("/api/v1/classifications", files=files, headers={"Prefer": "wait=30"})
        job = sent.json()["job"]
    visit.page.goto(f"/jobs/{job['id']}")
    visit.page.get_by_text("Why this category?").click()
    expect(visit.page.locator(".why-figure figcaption")).to_contain_text("What speaks for")
    assert visit.page.locator(".veil path").count() > 1
    assert serious_findings(visit.page) == []
    assert visit.complaints == []


def test_cancelling_asks_first(plain_page: Page, live_system: LiveSystem) -> None:
    job = waiting_job(live_system)
    plain_page.goto(f"/jobs/{job.id}")
    plain_page.get_by_role("button", name="Cancel this job").click()
    dialog = plain_page.get_by_role("dialog")
    expect(dialog).to_contain_text("gives no result")
    dialog.get_by_role("button", name="Cancel this job").click()
    expect(plain_page.locator("#job-state")).to_have_text("Cancelled")


def test_a_version_is_a_click_away_from_the_list(visit: Visit) -> None:
    visit.page.goto("/versions")
    expect(visit.page.get_by_text("Champion", exact=True)).to_be_visible()
    visit.page.get_by_role("link", name=re.compile("Version 1")).click()
    expect(visit.page.get_by_role("heading", name="What it takes for what")).to_be_visible()


def test_a_failed_photo_of_a_listing_can_be_read_on_a_phone(phone: Page, live_system: LiveSystem) -> None:
    with live_system.api() as api:
        listing = api.post("/api/v1/listings", json={"title": "A coat"}).json()
        files = {"photo": ("photo-171.jpg", picture(171)), "listing_id": (None, listing["id"])}
        sent = api.post("/api/v1/classifications", files=files, headers={"Prefer": "wait=30"}).json()
    database = Database(live_system.settings.database_url)
    with database.write() as session:
        job = session.get_one(Job, sent["job"]["id"])
        job.state, job.result, job.error_code = JobState.FAILED, None, "blob_missing"
        job.error_message = "The photo is not where it was stored. Please send it again."
    phone.goto(f"/listings/{listing['id']}")
    parts = phone.locator("#cards .photo-card").locator(".tag-title, .photo-message, .photo-foot .button")
    boxes = [box for box in (part.bounding_box() for part in parts.all()) if box]
    assert len(boxes) == 4
    assert all(above["y"] + above["height"] <= below["y"] for above, below in pairwise(boxes))
    with database.write() as session:
        session.delete(session.get_one(Job, job.id))
    database.close()


@pytest.fixture
def two_photos() -> FilePayload:
    """A zip of two photos."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for seed in (181, 182):
            archive.writestr(f"photo-{seed}.jpg", picture(seed))
    return {"name": "two.zip", "mimeType": "application/zip", "buffer": buffer.getvalue()}


def test_a_zip_is_chosen_by_keyboard_like_photos_are(visit: Visit, two_photos: FilePayload) -> None:
    # Listening from the start: the browser begins to hand choosers over only some time after it is asked to,
    # and on a busy machine the key came first.
    visit.page.on("filechooser", lambda _: None)
    visit.page.goto("/batches")
    visit.page.locator("#photos").focus()
    visit.page.keyboard.press("Tab")
    field = visit.page.get_by_label("choose a zip")
    expect(field).to_be_focused()
    assert field.evaluate("it => getComputedStyle(it.closest('.drop')).outlineStyle") == "solid"
    with visit.page.expect_file_chooser() as chooser:
        visit.page.keyboard.press("Enter")
    chooser.value.set_files(two_photos)
    expect(visit.page.locator(".batch-items tbody tr")).to_have_count(2)
    assert visit.complaints == []


def test_a_zip_is_sent_without_javascript(plain_page: Page, two_photos: FilePayload) -> None:
    plain_page.goto("/batches")
    field = plain_page.get_by_label("choose a zip")
    expect(field).to_have_css("opacity", "1")
    field.set_input_files(two_photos)
    plain_page.get_by_role("button", name="Send photos").click()
    expect(plain_page.locator(".batch-items tbody tr")).to_have_count(2)


def test_what_was_wrong_with_a_table_fits_a_narrow_screen(phone: Page) -> None:
    table: FilePayload = {
        "name": "labels.csv",
        "mimeType": "text/csv",
        "buffer": f"photo,label\n{'0' * 64},hat\n".encode(),
    }
    phone.goto("/data")
    phone.locator("#table").set_input_files(table)
    phone.get_by_role("button", name="Import the table").click()
    expect(phone.get_by_text("There is no photo 0000")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
