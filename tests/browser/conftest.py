"""A real Chromium, signed in on the running system, that notes everything it should not see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

from tests.live_system import LiveSystem

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# What a browser needs to run as root in a container, and to send nothing anywhere on its own.
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A lone photo takes well under a second; two busy cores may take longer. Everything that is expected may.
ANSWER_MS = 60_000
expect.set_options(timeout=ANSWER_MS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine.

    For a module, not the session: while Playwright's synchronous interface is open, an event loop counts as
    running in this thread, and no other test could start one of its own.
    """
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        pytest.skip("There is no Chromium on PATH, so the pages were not tried in one.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in_state(chromium: Browser, live_system: LiveSystem) -> StorageState:
    """The cookies of a browser that followed a sign-in link."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(live_system.sign_in_link())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


@dataclass(slots=True)
class Visit:
    """A page, and what the browser complained about or asked of others."""

    page: Page
    context: BrowserContext
    own: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to take notes."""
        self.page.on("console", lambda note: self.complaints.append(note.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, address: str) -> None:
        if not address.startswith((self.own, "blob:", "data:")):
            self.foreign.append(address)


@pytest.fixture
def visit(chromium: Browser, live_system: LiveSystem, signed_in_state: StorageState) -> Iterator[Visit]:
    """The administrator's browser with JavaScript."""
    context = chromium.new_context(storage_state=signed_in_state, base_url=live_system.url)
    opened = Visit(context.new_page(), context, live_system.url)
    opened.watch()
    yield opened
    context.close()


@pytest.fixture
def phone(chromium: Browser, live_system: LiveSystem, signed_in_state: StorageState) -> Iterator[Page]:
    """The administrator's phone."""
    context = chromium.new_context(
        storage_state=signed_in_state,
        base_url=live_system.url,
        viewport={"width": 360, "height": 740},
        is_mobile=True,
        has_touch=True,
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def plain_page(chromium: Browser, live_system: LiveSystem, signed_in_state: StorageState) -> Iterator[Page]:
    """The administrator's browser without JavaScript."""
    context = chromium.new_context(
        storage_state=signed_in_state, base_url=live_system.url, java_script_enabled=False
    )
    yield context.new_page()
    context.close()
