"""Home in a real browser: accessible, complete without JavaScript, up to date by itself."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind
from tests.browser.axe import serious_findings
from tests.browser.conftest import Visit
from tests.factories import add_failures
from tests.live_system import LiveSystem

pytestmark = pytest.mark.browser


@pytest.fixture
def database(live_system: LiveSystem) -> Database:
    """The database of the running system, with photos that were answered."""
    opened = Database(live_system.settings.database_url)
    for category in ("hat", "shirt", "hat"):
        answer(opened, category)
    return opened


def answer(database: Database, category: str) -> None:
    """A job that was made and answered, in one transaction: the worker that runs must not see it wait."""
    result = {"category": category, "confidence": 0.9, "decision": "suggest", "top": [], "model_version": 1}
    with database.write() as session:
        job = store.create(session, JobKind.CLASSIFY)
        store.claim(session, JobKind.CLASSIFY, "w", 1, job.id)
        store.succeed(session, job.id, 1, result)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_it(visit: Visit, database: Database, scheme: str) -> None:
    visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visit.page.goto("/home")
    expect(visit.page.locator(".chart")).to_have_count(2)
    visit.page.get_by_text("In numbers").click()
    assert serious_findings(visit.page) == []
    assert visit.complaints == []
    database.close()


def test_it_is_complete_without_javascript(plain_page: Page, database: Database) -> None:
    plain_page.goto("/home")
    expect(plain_page.locator(".chart")).to_have_count(2)
    plain_page.get_by_text("In numbers").click()
    plain_page.locator("#bin-table a.count").first.click()
    expect(plain_page.get_by_text("Only these: ended")).to_be_visible()
    database.close()


def test_it_tells_of_a_new_failure_by_itself(visit: Visit, database: Database) -> None:
    visit.page.goto("/home")
    (job,) = add_failures(database, code="found_by_a_test")
    expect(visit.page.locator("#matters")).to_contain_text("found_by_a_test")
    with database.write() as session:
        session.delete(job)
    database.close()


def test_its_hours_are_those_of_the_reader(
    chromium: Browser, live_system: LiveSystem, signed_in_state: StorageState, database: Database
) -> None:
    for zone in ("UTC", "Asia/Tokyo"):
        context = chromium.new_context(
            storage_state=signed_in_state, base_url=live_system.url, timezone_id=zone
        )
        page = context.new_page()
        page.goto("/home")
        expect(page.locator(".chart").first).not_to_contain_text("UTC")
        label = page.locator(".chart [data-moment]").first
        text, moment = label.evaluate("label => [label.textContent, label.dataset.moment]")
        expect(page.locator("#as-of time")).to_have_text(re.compile(r"^Today, \d\d:\d\d$"))
        assert text == f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)):%H:%M}"
        context.close()
    database.close()
