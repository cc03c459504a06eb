"""What a training would cost and what augmentation would do, asked through the API."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs.states import JobKind, JobState
from shared.tables import Job, TrainingEpoch
from tests.factories import add_job, add_version
from tests.web.api.test_models import import_photos
from tests.web.conftest import Api


@pytest.fixture(autouse=True)
def _dataset(database: Database, blobs: BlobStore, tmp_path: Path) -> None:
    import_photos(database, blobs, tmp_path / "photos")


def test_a_forecast_counts_what_a_training_would_do_and_starts_nothing(as_admin: Api) -> None:
    plain = as_admin("POST", "/api/v1/trainings/forecast", json={"preset": "quick", "epochs": 7}).json
    assert (plain["basis"], plain["new_photos"], plain["epochs"]) == ("reference", 6, 7)
    parts = plain["engine_seconds"] + plain["feature_seconds"] + 7 * plain["epoch_seconds"]
    assert plain["at_most"] == pytest.approx(parts)
    views = {"preset": "quick", "augmentation.mode": "views", "augmentation.views": 3}
    varied = as_admin("POST", "/api/v1/trainings/forecast", json=views).json
    assert varied["new_photos"] == 6 + 3 * 2  # two training photos, thrice
    assert as_admin("GET", "/api/v1/jobs?kind=train").json["jobs"] == []


def test_the_first_training_at_an_image_size_pays_for_its_engine(
    as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    def engine_seconds() -> float:
        body = {"preset": "quick", "image_size": 180}
        return float(as_admin("POST", "/api/v1/trainings/forecast", json=body).json["engine_seconds"])

    building = engine_seconds()
    add_version(database, blobs, image_size=180)
    assert engine_seconds() < building / 2  # it is only loaded


def test_one_slow_measurement_does_not_decide(as_admin: Api, database: Database, blobs: BlobStore) -> None:
    for seed, speed in enumerate((40.0, 44.0, 4.0)):
        metrics = {"speed": {"photos_per_second": speed}}
        add_version(database, blobs, image_size=150, seed=seed, metrics=metrics)
    body = {"preset": "quick", "image_size": 150}
    assert as_admin("POST", "/api/v1/trainings/forecast", json=body).json["photos_per_second"] == 40.0


def test_epochs_are_those_of_heads_whatever_else_was_trained(as_admin: Api, database: Database) -> None:
    views = {"mode": "views", "views": 3}
    for seconds, parameters in (
        (0.2, {}),  # of the two training photos
        (0.8, {"augmentation": views}),
        (70.0, {"augmentation": {"mode": "exact"}}),
        (90.0, {"fine_tuning": {"from_block": 13}}),
    ):
        trained(database, seconds, parameters)
    cost = as_admin("POST", "/api/v1/trainings/forecast", json={"preset": "quick"}).json
    assert cost["epoch_seconds"] == pytest.approx(0.2)


def trained(database: Database, seconds: float, parameters: dict[str, Any]) -> None:
    """A finished training whose one epoch took this long."""
    payload = {"parameters": {"image_size": 71, **parameters}, "dataset_version": 1}
    job = add_job(database, JobKind.TRAIN, payload=payload)
    with database.write() as session:
        row = session.get_one(Job, job.id)
        row.state, row.finished_at = JobState.SUCCEEDED, utc_now()
        figures = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}
        session.add(TrainingEpoch(job_id=job.id, attempt=1, epoch=1, seconds=seconds, **figures))


def test_the_preview_is_what_the_form_shows(as_admin: Api) -> None:
    exact = {"preset": "quick", "augmentation.mode": "exact"}
    first = as_admin("POST", "/api/v1/trainings/preview", json=exact)
    assert first.content_type == "image/webp"
    assert Image.open(io.BytesIO(first.data)).width > 400
    assert as_admin("POST", "/api/v1/trainings/preview", json={**exact, "seed": 5}).data != first.data


@pytest.mark.parametrize("path", ["forecast", "preview"])
def test_a_wrong_value_is_named(as_admin: Api, path: str) -> None:
    answer = as_admin("POST", f"/api/v1/trainings/{path}", json={"epochs": "many"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "epochs")
    missing = as_admin("POST", f"/api/v1/trainings/{path}", json={"dataset_version": 9})
    assert missing.status_code == 404
