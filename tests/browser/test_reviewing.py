"""Reviewing in a real browser, on the running system: twenty photos without touching the mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from shared.database import Database
from shared.tables import Review
from tests.browser.axe import serious_findings
from tests.browser.conftest import Visit
from tests.factories import picture
from tests.live_system import LiveSystem

pytestmark = pytest.mark.browser

TWENTY = 20


@pytest.fixture(scope="module", autouse=True)
def _photos(live_system: LiveSystem) -> None:
    """Photos that wait for a reviewer."""
    with live_system.api() as api:
        for seed in range(500, 500 + TWENTY + 5):
            sent = api.post(
                "/api/v1/classifications",
                files={"photo": (f"{seed}.jpg", picture(seed))},
                headers={"Prefer": "wait=60"},
            )
            assert sent.json()["job"]["state"] == "succeeded"


def standing_reviews(system: LiveSystem) -> list[str]:
    """The labels of all answers that were not taken back, first to last."""
    database = Database(system.settings.database_url)
    with database.read() as session:
        rows = session.query(Review).order_by(Review.id).all()
    database.close()
    return [row.label for row in rows if row.undone_at is None]


def press(page: Page, key: str) -> None:
    """Press a key and wait until another photo is there."""
    before = page.locator("#answers [name=photo]").input_value()
    page.keyboard.press(key)
    expect(page.locator("#answers [name=photo]")).not_to_have_value(before)


def test_twenty_photos_are_reviewed_by_keyboard(visit: Visit, live_system: LiveSystem) -> None:
    page = visit.page
    before = len(standing_reviews(live_system))
    page.goto("/review")
    for number in range(TWENTY):
        press(page, "123"[number % 3])
    expect(page.locator("#said")).to_contain_text("Your answer:")
    expect(page.locator("#announcements")).to_contain_text("Next photo.")
    assert standing_reviews(live_system)[before:] == (["dress", "hat", "shirt"] * 7)[:TWENTY]
    press(page, "u")
    expect(page.locator("#said")).to_contain_text("Taken back: Hat.")
    assert len(standing_reviews(live_system)) == before + TWENTY - 1
    page.keyboard.press("ArrowDown")
    expect(page.locator("#answers .option").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    press(page, "Enter")
    assert standing_reviews(live_system)[-1] == "hat"
    press(page, "ArrowRight")
    assert len(standing_reviews(live_system)) == before + TWENTY
    assert visit.complaints == []
    assert visit.foreign == []


def test_keys_can_be_switched_off(visit: Visit, live_system: LiveSystem) -> None:
    page = visit.page
    page.goto("/review")
    page.get_by_label("Use these keys").uncheck()
    page.reload()
    expect(page.get_by_label("Use these keys")).not_to_be_checked()
    before = standing_reviews(live_system)
    page.keyboard.press("1")
    page.get_by_label("Use these keys").check()
    press(page, "n")
    assert standing_reviews(live_system) == [*before, "not-in-list"]


def test_photos_are_reviewed_without_javascript(plain_page: Page) -> None:
    plain_page.goto("/review")
    photo = plain_page.locator("#answers [name=photo]")
    first = photo.input_value()
    plain_page.locator("#answers").get_by_role("button", name=re.compile("Hat")).click()
    expect(photo).not_to_have_value(first)
    plain_page.get_by_role("button", name="Undo").click()
    expect(photo).to_have_value(first)
    plain_page.get_by_role("link", name="Skip", exact=True).click()
    expect(photo).not_to_have_value(first)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reviewing_has_no_serious_accessibility_findings(visit: Visit, scheme: str) -> None:
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.page.goto("/review")
    assert serious_findings(visit.page) == []


def test_a_phone_is_not_told_of_keys(phone: Page) -> None:
    phone.goto("/review")
    expect(phone.locator("#answers .option").first).to_be_visible()
    expect(phone.locator("kbd:visible")).to_have_count(0)
    expect(phone.get_by_label("Use these keys")).to_be_hidden()


def test_the_photo_and_all_answers_fit_a_phone(phone: Page) -> None:
    phone.goto("/review")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    phone.locator("#answers .option").first.tap()
    expect(phone.locator("#said")).to_contain_text("Your answer: Dress.")
