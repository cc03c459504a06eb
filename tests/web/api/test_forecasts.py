"""What a training would cost and what augmentation would do, asked through the API."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from shared.blobs import BlobStore
from shared.database import Database
from tests.web.api.test_models import import_photos
from tests.web.conftest import Api


@pytest.fixture(autouse=True)
def _dataset(database: Database, blobs: BlobStore, tmp_path: Path) -> None:
    import_photos(database, blobs, tmp_path / "photos")


def test_a_forecast_counts_what_a_training_would_do_and_starts_nothing(as_admin: Api) -> None:
    plain = as_admin("POST", "/api/v1/trainings/forecast", json={"preset": "quick", "epochs": 7}).json
    assert (plain["basis"], plain["new_photos"], plain["epochs"]) == ("reference", 6, 7)
    assert plain["at_most"] == pytest.approx(plain["feature_seconds"] + 7 * plain["epoch_seconds"])
    views = {"preset": "quick", "augmentation.mode": "views", "augmentation.views": 3}
    varied = as_admin("POST", "/api/v1/trainings/forecast", json=views).json
    assert varied["new_photos"] == 6 + 3 * 2  # two training photos, thrice
    assert as_admin("GET", "/api/v1/jobs?kind=train").json["jobs"] == []


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
