"""The form that starts a training, and the pages of trainings."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from PIL import Image

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.datasets import reports
from shared.datasets import store as datasets
from shared.datasets.findings import Finding
from shared.jobs import log, store
from shared.jobs.states import JobKind, JobState, Split
from shared.models.hyperparameters import PRESETS
from shared.photos.intake import prepare
from shared.tables import Example, Job, User, WorkerHeartbeat
from tests.factories import add_job, picture
from tests.web.pages.forms import post_form

FORM = "/trainings/new"


@pytest.fixture
def dataset(database: Database, blobs: BlobStore) -> int:
    """A small dataset version with real photos."""
    with database.write() as session:
        for number, (split, label) in enumerate((s, c) for s in Split for c in ("hat", "shirt")):
            photo = prepare(picture(number))
            photo.store(blobs)
            session.add(Example(digest=photo.digest, label=label, split=split, source="test"))
        return datasets.freeze(session).number


def values(**changes: str) -> dict[str, str]:
    """What the form of the quick preset sends, with some fields changed; dots are written as two lines."""
    kept = {
        name: str(value) for name, value in PRESETS["quick"].parameters.flat().items() if value is not False
    }
    return {**kept, **{name.replace("__", "."): text for name, text in changes.items()}, "action": "start"}


def trainings(database: Database) -> list[Job]:
    with database.read() as session:
        return store.page(session, kind=JobKind.TRAIN).items


@pytest.mark.usefixtures("dataset")
def test_the_form_offers_every_preset_filled_in(admin_signed_in: FlaskClient) -> None:
    page = admin_signed_in.get(f"{FORM}?preset=quick").text
    assert all(preset.title in page for preset in PRESETS.values())
    assert 'name="image_size" value="150"' in page
    assert 'name="augmentation.rotation"' in page


@pytest.mark.usefixtures("dataset")
def test_a_training_starts_with_what_was_filled_in(admin_signed_in: FlaskClient, database: Database) -> None:
    answer = post_form(admin_signed_in, FORM, values(epochs="3", augmentation__mode="views"), page=FORM)
    (job,) = trainings(database)
    assert answer.location == f"/trainings/{job.id}"
    assert job.payload["parameters"]["epochs"] == 3
    assert job.payload["parameters"]["augmentation"]["mode"] == "views"
    assert job.payload["dataset_version"] == 1


@pytest.mark.usefixtures("dataset")
def test_wrong_values_are_named_beside_their_fields_and_nothing_starts(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    answer = post_form(admin_signed_in, FORM, values(epochs="many", dropout="2"), page=FORM)
    assert answer.status_code == 422
    assert "Epochs must be a whole number from 1 up to 500." in answer.text
    assert 'id="dropout-error"' in answer.text
    assert 'value="many"' in answer.text  # what was typed is still there
    assert trainings(database) == []


@pytest.mark.usefixtures("dataset")
def test_the_cost_is_worked_out_without_starting_anything(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    answer = post_form(admin_signed_in, FORM, {**values(), "action": "forecast"}, page=FORM)
    assert answer.status_code == 200
    assert "6 backbone passes" in answer.text
    assert "measured on two CPU cores elsewhere" in answer.text
    assert trainings(database) == []


def test_a_dataset_that_its_report_blocks_is_not_trained_on(
    admin_signed_in: FlaskClient, database: Database, dataset: int
) -> None:
    finding = Finding(name="unreadable", level="blocks", detail="The files of 2 photos are gone.")
    with database.write() as session:
        reports.record(session, dataset, [finding], None)
    answer = post_form(admin_signed_in, FORM, values(), page=FORM)
    assert answer.status_code == 409
    assert "The files of 2 photos are gone." in answer.text
    assert trainings(database) == []


@pytest.mark.usefixtures("dataset")
def test_the_form_is_filled_from_an_earlier_training(
    admin_signed_in: FlaskClient, database: Database, admin: User
) -> None:
    parameters = PRESETS["quick"].parameters.model_copy(update={"epochs": 17}).model_dump(mode="json")
    payload = {"parameters": parameters, "dataset_version": 1}
    job = add_job(database, JobKind.TRAIN, owner_id=admin.id, payload=payload)
    page = admin_signed_in.get(f"{FORM}?like={job.id}").text
    assert 'name="epochs" value="17"' in page


@pytest.mark.usefixtures("dataset")
def test_the_preview_shows_twelve_variations_of_a_training_photo(admin_signed_in: FlaskClient) -> None:
    query = {**values(augmentation__mode="exact"), "dataset_version": "1"}
    answer = admin_signed_in.get("/trainings/preview", query_string=query)
    assert answer.content_type == "image/webp"
    sheet = Image.open(io.BytesIO(answer.data))
    assert sheet.width > sheet.height
    again = admin_signed_in.get("/trainings/preview", query_string={**query, "augmentation.rotation": "90"})
    assert again.data != answer.data


def test_without_photos_the_form_says_where_to_get_some(admin_signed_in: FlaskClient) -> None:
    assert 'href="/data"' in admin_signed_in.get(FORM).text


@pytest.mark.usefixtures("dataset")
def test_a_run_can_be_cancelled_from_its_page(admin_signed_in: FlaskClient, database: Database) -> None:
    post_form(admin_signed_in, FORM, values(), page=FORM)
    (job,) = trainings(database)
    path = f"/trainings/{job.id}"
    assert "Cancel this training" in admin_signed_in.get(path).text
    answer = post_form(admin_signed_in, f"/jobs/{job.id}/cancel", {"next": path}, page=path)
    assert answer.location == path
    assert trainings(database)[0].state is JobState.CANCELLED
    assert "Cancelled" in admin_signed_in.get("/trainings").text


def test_trainings_are_for_administrators(signed_in: FlaskClient) -> None:
    for path in ("/trainings", FORM, "/data", "/versions/compare"):
        assert signed_in.get(path).status_code == 403


@pytest.mark.usefixtures("dataset")
def test_a_run_shows_its_last_lines_and_how_busy_the_gpu_is(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    post_form(admin_signed_in, FORM, values(), page=FORM)
    (job,) = trainings(database)
    with database.write() as session:
        store.claim(session, JobKind.TRAIN, "train@here:1", 1, job.id)
        log.keep(session, job.id, 1, ["10:00:00 info <script>alert(1)</script>"])
        now = utc_now()
        beat = {"kind": "train", "resident_bytes": 1, "started_at": now, "seen_at": now}
        session.add(WorkerHeartbeat(name="train@here:1", gpu="NVIDIA H200, 37 % busy", **beat))
    page = admin_signed_in.get(f"/trainings/{job.id}").text
    assert "10:00:00 info &lt;script&gt;" in page
    assert "NVIDIA H200, 37 % busy" in page
    api = admin_signed_in.get(f"/api/v1/jobs/{job.id}/log").json
    assert api == {"lines": ["10:00:00 info <script>alert(1)</script>"]}
