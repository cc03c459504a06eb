"""Asking for a training on features in 8 bits: by form, API and sweep, before and after a version passed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.models.hyperparameters import PRESETS
from shared.settings import Settings
from shared.tables import Job
from tests.factories import add_champion, add_job, add_version
from tests.web.api.test_models import import_photos
from tests.web.conftest import Api
from tests.web.pages.forms import post_form
from tests.web.test_engine_gates import judge

WANTED = {"preset": "quick", "precision": "int8"}
SWEEP = {"plan": {"over": {"learning_rate": [0.1, 0.01]}}, "base": WANTED}
SENTENCE = "No int8 engine for 150 px has passed its check."


@pytest.fixture(autouse=True)
def _dataset(database: Database, blobs: BlobStore, tmp_path: Path) -> None:
    import_photos(database, blobs, tmp_path / "photos")


@pytest.fixture
def passed(database: Database, blobs: BlobStore, settings: Settings) -> None:
    """A version at 150 px passed its check in 8 bits."""
    add_champion(database, blobs, image_size=150, base_digest=settings.base_weights_digest)
    judge(database, True, "It passed.")


def trainings(database: Database) -> list[Job]:
    with database.read() as session:
        return store.page(session, kind=JobKind.TRAIN).items


@pytest.mark.parametrize(("path", "body"), [("trainings", WANTED), ("sweeps", SWEEP)])
def test_it_is_refused_beside_its_field_while_no_int8_engine_has_passed(
    as_admin: Api, path: str, body: dict[str, object]
) -> None:
    answer = as_admin("POST", f"/api/v1/{path}", json=body)
    assert answer.status_code == 422
    (error,) = answer.json["errors"]
    assert error["field"] == "precision"
    assert error["message"].startswith(SENTENCE)


@pytest.mark.usefixtures("passed")
@pytest.mark.parametrize(("path", "body"), [("trainings", WANTED), ("sweeps", SWEEP)])
def test_it_is_accepted_once_one_has(as_admin: Api, path: str, body: dict[str, object]) -> None:
    assert as_admin("POST", f"/api/v1/{path}", json=body).status_code == 202


@pytest.mark.usefixtures("passed")
def test_that_of_another_image_size_does_not_count(as_admin: Api) -> None:
    answer = as_admin("POST", "/api/v1/trainings", json={**WANTED, "image_size": 224})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "precision")


def test_the_form_offers_it_and_says_what_is_missing(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    assert "Precision of features" in admin_signed_in.get("/trainings/new").text
    quick = PRESETS["quick"].parameters.flat()
    sent = {name: str(value) for name, value in quick.items() if value is not False}
    answer = post_form(admin_signed_in, "/trainings/new", {**sent, "precision": "int8", "action": "start"})
    assert answer.status_code == 422
    assert SENTENCE in answer.text
    assert 'href="#precision"' in answer.text
    assert trainings(database) == []


def test_a_forecast_counts_training_photos_at_the_speed_of_8_bits(
    as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    def forecast(**changes: object) -> dict[str, Any]:
        body = {"preset": "quick", "image_size": 299, **changes}
        return dict(as_admin("POST", "/api/v1/trainings/forecast", json=body).json or {})

    full, in_8_bits = forecast(), forecast(precision="int8")  # two photos on each side
    assert full["int8_photos_per_second"] is None
    assert in_8_bits["int8_photos_per_second"] == 3 * in_8_bits["photos_per_second"]
    assert in_8_bits["feature_seconds"] == pytest.approx(2 / 36 + 4 / 12)
    speeds = {"speed": {"photos_per_second": 10.0}, "int8_speed": {"photos_per_second": 40.0}}
    add_version(database, blobs, image_size=299, metrics=speeds)
    measured = forecast(precision="int8")
    assert measured["feature_seconds"] == pytest.approx(2 / 40 + 4 / 10)
    assert "10 photos a second and 40 of the training photos in 8 bits" in str(measured["rests_on"])


def test_features_in_one_precision_do_not_count_as_kept_for_the_other(
    as_admin: Api, database: Database
) -> None:
    payload = {"parameters": {"image_size": 299}, "dataset_version": 1}
    done = add_job(database, JobKind.TRAIN, payload=payload)
    with database.write() as session:
        job = session.get_one(Job, done.id)
        job.state, job.finished_at = JobState.SUCCEEDED, utc_now()
    body = {"preset": "best", "precision": "int8"}
    again = as_admin("POST", "/api/v1/trainings/forecast", json=body).json
    assert (again["kept_photos"], again["new_photos"]) == (4, 2)
    assert as_admin("POST", "/api/v1/trainings/forecast", json={"preset": "best"}).json["new_photos"] == 0
