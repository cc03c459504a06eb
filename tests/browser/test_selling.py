"""Selling in a real browser, on the running system with its real worker: from photos to a chosen category."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.axe import serious_findings
from tests.browser.conftest import ANSWER_MS, Visit
from tests.factories import picture

pytestmark = pytest.mark.browser

DROP = "Drop photos here"
SETTLED = re.compile("answered|asks")
MANY = 30


def photos(*seeds: int) -> list[FilePayload]:
    """Pictures to upload."""
    return [
        {"name": f"photo-{seed}.jpg", "mimeType": "image/jpeg", "buffer": picture(seed)} for seed in seeds
    ]


def sell(page: Page, *seeds: int) -> None:
    """Add photos to a new listing and wait for what is suggested."""
    page.goto("/sell")
    page.get_by_label(DROP).set_input_files(photos(*seeds))
    expect(page.locator("#choice .options .option").first).to_be_visible()


def test_from_the_first_photo_to_a_chosen_category(visit: Visit) -> None:
    page = visit.page
    sell(page, 201)
    expect(page).to_have_url(re.compile("/listings/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Untitled listing")
    expect(page).to_have_title("Untitled listing · Hangtag")
    answer = page.locator("#choice button[name=category]").first
    category = answer.get_attribute("value") or ""
    answer.click()
    expect(page.locator("#choice .tag-note")).to_have_text("Your choice")
    pressed = page.locator(f'#choice button[value="{category}"]')
    expect(pressed).to_have_attribute("aria-pressed", "true")
    expect(pressed).to_be_focused()
    expect(page.locator("#announcements")).to_contain_text("your choice")
    expect(page.locator("#history tbody tr")).to_have_count(0)  # comes with the page of the listing
    page.reload()
    expect(page.locator("#history tbody tr")).to_have_count(1)
    assert visit.complaints == []
    assert visit.foreign == []


def test_a_suggestion_is_corrected_with_one_tap_and_the_history_tells(visit: Visit) -> None:
    page = visit.page
    sell(page, 202)
    page.reload()
    for label in ("Not in this list", "Dress"):
        page.locator("#choice").get_by_role("button", name=re.compile(f"^(Keep )?{label}")).first.click()
        expect(page.locator("#choice .tag-title")).to_have_text(label)
    expect(page.locator("#history tbody th")).to_have_text(["Dress", "Not in this list"])


def test_photos_keep_the_order_in_which_they_were_chosen_and_another_becomes_the_cover(visit: Visit) -> None:
    page = visit.page
    page.goto("/sell")
    # The first one is by far the largest: without its position it would arrive last.
    chosen = photos(220, 221, 222, 223, 224)
    chosen[0]["buffer"] = picture(220, size=(3000, 4000))
    page.get_by_label(DROP).set_input_files(chosen)
    names = page.locator("#cards .photo-name")
    expected = [f"photo-{seed}.jpg" for seed in range(220, 225)]
    expect(page.locator("#cards > [data-state=answered], #cards > [data-state=asks]")).to_have_count(5)
    page.reload()
    expect(names).to_have_text(expected)
    page.get_by_role("button", name="Make photo-223.jpg the cover").click()
    expect(names.first).to_have_text("photo-223.jpg")
    expect(page.locator("#announcements")).to_have_text("photo-223.jpg is the cover now.")
    page.reload()
    expect(names).to_have_text([expected[3], *expected[:3], expected[4]])
    assert visit.complaints == []


def test_of_more_than_thirty_photos_at_once_the_first_thirty_become_one_listing(visit: Visit) -> None:
    page = visit.page
    page.goto("/sell")
    page.get_by_label(DROP).set_input_files(photos(*range(300, 304 + MANY)))
    refused = page.locator("#cards > [data-state=failed]")
    expect(refused.locator(".photo-name")).to_have_text([f"photo-{330 + extra}.jpg" for extra in range(4)])
    for card in refused.all():
        expect(card).to_contain_text("A listing has at most 30 photos. Begin another one for the rest.")
    unsettled = "#cards > :is([data-state=uploading], [data-state=queued], [data-state=working])"
    expect(page.locator(unsettled)).to_have_count(0, timeout=3 * ANSWER_MS)
    expect(refused).to_have_count(4)
    page.reload()
    names = [f"photo-{seed}.jpg" for seed in range(300, 300 + MANY)]
    expect(page.locator("#cards .photo-name")).to_have_text(names)
    page.get_by_label("Drop more photos here").set_input_files(photos(399))
    expect(refused).to_contain_text("at most 30 photos")
    # An upload that the server refuses would be noted by the browser.
    assert visit.complaints == []


def test_a_draft_is_saved_by_itself(visit: Visit) -> None:
    page = visit.page
    page.goto("/sell")
    expect(page.get_by_role("heading", level=1)).to_have_text("What are you selling?")
    page.get_by_label("Title").fill("Straw hat, size M")
    expect(page.locator("#saved")).to_have_text("Saved.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Straw hat, size M")
    expect(page).to_have_title("Straw hat, size M · Hangtag")
    page.get_by_label(DROP).set_input_files(photos(205))
    expect(page.locator("#cards > .photo-card")).to_have_attribute("data-state", SETTLED)
    page.goto("/listings?search=straw")
    page.get_by_role("link", name="Straw hat, size M").first.click()
    expect(page.get_by_role("heading", name="Straw hat, size M")).to_be_visible()
    expect(page.locator("#cards > .photo-card")).to_have_count(1)


def test_a_photo_is_removed_from_a_listing(visit: Visit) -> None:
    page = visit.page
    sell(page, 206, 207)
    expect(page.locator("#cards > [data-state=uploading]")).to_have_count(0)
    page.get_by_role("button", name="Remove photo-206.jpg").click(timeout=ANSWER_MS)
    expect(page.locator("#cards > .photo-card")).to_have_count(1)
    page.reload()
    expect(page.locator("#cards > .photo-card")).to_have_count(1)


def test_a_category_is_chosen_without_javascript(plain_page: Page) -> None:
    plain_page.goto("/sell")
    plain_page.locator("#photos").set_input_files(photos(208))
    plain_page.get_by_label("Title").fill("Plain hat")
    plain_page.get_by_role("button", name="Upload photos").click()
    option = plain_page.locator("#choice .option", has_text="Shirt").or_(
        plain_page.get_by_role("button", name="Keep Shirt")
    )
    option.first.click(timeout=ANSWER_MS)
    expect(plain_page.locator("#choice .tag-title")).to_have_text("Shirt")
    expect(plain_page.locator("#choice .tag-note")).to_have_text("Your choice")
    plain_page.get_by_role("link", name="Begin the next listing").click()
    expect(plain_page.get_by_role("heading", name="What are you selling?")).to_be_visible()


def test_a_listing_is_sold_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    sell(page, 209)
    first = page.locator("#choice button[name=category]").first
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#choice .tag-note")).to_have_text("Your choice")
    page.get_by_role("link", name="Begin the next listing").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/sell$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_selling_has_no_serious_accessibility_findings(visit: Visit, scheme: str) -> None:
    page = visit.page
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    sell(page, 210)
    page.reload()
    addresses = ["/sell", "/listings", "/listings?search=nothing-like-it", page.url]
    for address in addresses:
        page.goto(address)
        assert serious_findings(page) == [], address
