"""From sign-in to a promoted version and back, in a real browser on the running system."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.datasets.importing import import_folder
from shared.jobs.states import Split
from shared.models import registry
from tests.browser.conftest import Visit
from tests.factories import CLASSES, picture
from tests.live_system import LiveSystem

# The limit counts the start of the whole system, too, which alone may take four minutes.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

# TensorFlow's import, the features of a few photos and two epochs, on two busy cores.
TRAINED_MS = 240_000
PHOTOS_EACH = 4


@pytest.fixture(scope="module")
def dataset(live_system: LiveSystem, tmp_path_factory: pytest.TempPathFactory) -> int:
    """A small dataset version on the running system."""
    folder = tmp_path_factory.mktemp("photos")
    for place, (split, label) in enumerate((split, label) for split in Split for label in CLASSES):
        (folder / split / label).mkdir(parents=True)
        for number in range(PHOTOS_EACH):
            (folder / split / label / f"{number}.jpg").write_bytes(picture(9000 + 10 * place + number))
    database = Database(live_system.settings.database_url)
    report = import_folder(database, BlobStore(live_system.settings.blob_url), folder)
    database.close()
    return report.dataset_version


@pytest.fixture
def newcomer(chromium: Browser, live_system: LiveSystem) -> Iterator[Page]:
    """A browser that nobody has signed in with."""
    context = chromium.new_context(base_url=live_system.url)
    yield context.new_page()
    context.close()


@pytest.mark.usefixtures("dataset")
def test_an_administrator_trains_judges_promotes_and_goes_back(
    newcomer: Page, live_system: LiveSystem
) -> None:
    newcomer.goto(live_system.sign_in_link())
    newcomer.get_by_role("button", name="Sign in").click()
    number = train(newcomer)
    look_at_version(newcomer, number)
    compare_with_champion(newcomer, number, photos_to_test_with(live_system, number))
    promote_against_the_gate(newcomer, number)
    newcomer.get_by_role("button", name="Go back to version 1").click()
    expect(newcomer.get_by_role("status")).to_have_text("Version 1 is the champion again.")
    newcomer.get_by_role("link", name="Champion", exact=True).first.click()
    expect(newcomer.get_by_role("table")).to_contain_text("Overridden")


def train(page: Page) -> int:
    """Fill in the form, follow the run to its end and return the number of its version."""
    page.goto("/trainings")
    page.get_by_role("link", name="New training").click()
    page.get_by_role("link", name=re.compile("^Quick")).click()
    page.get_by_label("Epochs", exact=True).fill("none")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_label("Epochs", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Image size (pixels)").fill("71")
    page.get_by_label("Epochs", exact=True).fill("2")
    expect(page.locator("#cost")).to_contain_text("or so, once it runs")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#job-state")).to_have_text(re.compile("Waiting|Running"))
    expect(page.locator("#job-state")).to_have_text("Done", timeout=TRAINED_MS)
    expect(page.get_by_text("The training was queued.")).to_have_count(0)
    expect(page.get_by_role("img", name=re.compile("^Accuracy by epoch"))).to_be_visible()
    page.get_by_role("link", name=re.compile("See version")).click()
    expect(page).to_have_url(re.compile(r"/versions/\d+$"))
    return int(page.url.rpartition("/")[2])


def look_at_version(page: Page, number: int) -> None:
    """From a cell of the confusion matrix to its photos and back; a note that stays."""
    expect(page.get_by_role("heading", name="Is it as sure as it is right?")).to_be_visible()
    page.locator(".matrix td a").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    photo = page.locator(".photo-grid img").first
    assert photo.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.goto(f"/versions/{number}")
    page.get_by_label("A note about this version").fill("Made by a test.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".notes")).to_contain_text("Made by a test.")


def photos_to_test_with(system: LiveSystem, number: int) -> int:
    """How many test photos the version was trained for: other tests may have added some."""
    database = Database(system.settings.database_url)
    with database.read() as session:
        made_from = datasets.with_digest(session, registry.find(session, number).lineage["dataset_digest"])
    database.close()
    assert made_from is not None
    return sum(made_from.counts[Split.TEST].values())


def compare_with_champion(page: Page, number: int, photos: int) -> None:
    """Both versions on the same test photos."""
    page.get_by_role("link", name="Compare with the champion").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Version {number} against version 1")
    expect(page.get_by_text(f"On the same {photos} test photos")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^Broken by version"))).to_be_visible()


def promote_against_the_gate(page: Page, number: int) -> None:
    """A dozen photos are too few to tell: refused, then overridden with a reason."""
    page.goto(f"/versions/{number}/champion")
    promote = page.get_by_role("button", name=f"Make version {number} the champion")
    page.get_by_label("Why", exact=True).fill("To see the way back.")
    promote.click()
    expect(page.get_by_text("If you know better, override it.")).to_be_visible()
    page.get_by_label("Override the gate").check()
    promote.click()
    expect(page.get_by_role("status")).to_have_text(
        f"Version {number} is the champion and answers sellers from now on."
    )


PAGES = (
    "/trainings",
    "/trainings/new",
    "/trainings/sweeps",
    "/trainings/sweeps/new",
    "/data",
    "/data/1",
    "/versions/compare",
    "/versions/imagenet",
    "/versions/1/try",
    "/versions/aliases/champion",
)


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_and_quiet(visit: Visit, path: str) -> None:
    answers: list[Response] = []
    visit.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - marks its callbacks
    visit.page.goto(path, wait_until="networkidle")
    own = [answer for answer in answers if not answer.url.endswith("/thumbnail")]
    sizes = {answer.url: len(answer.body()) for answer in own}
    assert 0 < sum(sizes.values()) < 100_000, sizes
    assert visit.complaints == []
    assert visit.foreign == []


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_narrow_screen(phone: Page, path: str) -> None:
    phone.goto(path)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize("preset", ["quick", "best", "published_50"])
def test_the_chosen_preset_is_in_sight_on_a_phone(phone: Page, preset: str) -> None:
    phone.goto(f"/trainings/new?preset={preset}")
    chosen = phone.locator(".presets [aria-current]")
    expect(chosen.locator(".small")).to_be_visible()
    box = chosen.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert all(link.is_visible() for link in phone.locator(".presets a").all())
