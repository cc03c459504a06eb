"""Sweeps through the API, and the files of a version."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import reports
from shared.datasets.findings import Finding
from shared.jobs import store
from shared.jobs.states import TrialState
from shared.models import registry
from shared.models.head import Head
from shared.models.layers import load_layers, store_layers
from shared.sweeps import store as sweeps
from shared.sweeps.store import TrialMetrics
from shared.tables import ModelVersion
from tests.factories import add_version
from tests.web.api.test_models import import_photos
from tests.web.conftest import Api

PLAN = {"plan": {"over": {"learning_rate": [0.1, 0.01, 0.001]}}, "base": {"preset": "quick", "epochs": 3}}


@pytest.fixture
def _dataset(database: Database, blobs: BlobStore, tmp_path: Path) -> None:
    import_photos(database, blobs, tmp_path / "photos")


def measured(accuracy: float) -> TrialMetrics:
    return TrialMetrics(
        val_accuracy=accuracy,
        val_loss=1 - accuracy,
        interval=(0.1, 0.9),
        best_epoch=2,
        epochs=3,
        stop_reason="budget",
        seconds=1.5,
        curve=[0.1, accuracy, 0.2],
    )


@pytest.mark.usefixtures("_dataset")
def test_a_sweep_is_a_job_whose_trials_are_there_from_the_start(as_admin: Api) -> None:
    started = as_admin("POST", "/api/v1/sweeps", json=PLAN)
    assert started.status_code == 202
    assert started.headers["Location"] == f"/api/v1/sweeps/{started.json['job']['id']}"
    found = as_admin("GET", started.headers["Location"]).json
    assert (found["job"]["kind"], found["varied"]) == ("sweep", ["learning_rate"])
    assert [trial["parameters"]["learning_rate"] for trial in found["trials"]] == [0.1, 0.01, 0.001]
    assert {(trial["state"], trial["rank"]) for trial in found["trials"]} == {("waiting", None)}


@pytest.mark.usefixtures("_dataset")
def test_trained_trials_come_first_and_in_order(as_admin: Api, database: Database) -> None:
    address = as_admin("POST", "/api/v1/sweeps", json=PLAN).headers["Location"]
    job_id = address.rpartition("/")[2]
    with database.write() as session:
        sweeps.record(session, job_id, 1, TrialState.SUCCEEDED, measured(0.5))
        sweeps.record(session, job_id, 3, TrialState.SUCCEEDED, measured(0.8))
    trials = as_admin("GET", address).json["trials"]
    assert [(trial["number"], trial["rank"]) for trial in trials] == [(3, 1), (1, 2), (2, None)]
    assert trials[0]["metrics"]["curve"] == [0.1, 0.8, 0.2]


@pytest.mark.usefixtures("_dataset")
def test_trials_that_never_had_their_turn_are_skipped(as_admin: Api, database: Database) -> None:
    address = as_admin("POST", "/api/v1/sweeps", json=PLAN).headers["Location"]
    with database.write() as session:
        store.request_cancel(session, address.rpartition("/")[2])
    assert {trial["state"] for trial in as_admin("GET", address).json["trials"]} == {"skipped"}


@pytest.mark.usefixtures("_dataset")
def test_the_published_study_is_one_request(as_admin: Api) -> None:
    address = as_admin("POST", "/api/v1/sweeps", json={"preset": "study"}).headers["Location"]
    found = as_admin("GET", address).json
    assert len(found["trials"]) == 11
    assert found["varied"] == ["learning_rate", "hidden_units", "dropout", "epochs"]


@pytest.mark.usefixtures("_dataset")
def test_the_same_key_starts_one_sweep(as_admin: Api) -> None:
    headers = {"Idempotency-Key": "a-sweep"}
    first, again = (as_admin("POST", "/api/v1/sweeps", json=PLAN, headers=headers) for _ in range(2))
    assert first.json["job"]["id"] == again.json["job"]["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "preset"),
        ({"preset": "study", **PLAN}, "preset"),
        ({"preset": "everything"}, "preset"),
        ({"preset": "study", "base": {"epochs": 3}}, "base"),
        ({"plan": {"over": {"dropout": [7]}}}, "dropout"),
        ({"plan": {"over": {"dropout": []}}}, "over.dropout"),
        ({"plan": {"over": {"dropout": [0.1]}}, "base": {"preset": "luxury"}}, "preset"),
    ],
)
def test_a_wrong_sweep_is_refused_and_its_field_named(
    as_admin: Api, body: dict[str, Any], field: str
) -> None:
    response = as_admin("POST", "/api/v1/sweeps", json=body)
    assert (response.status_code, response.json["code"]) == (422, "validation_error")
    assert response.json["errors"][0]["field"] == field


@pytest.mark.usefixtures("_dataset")
def test_a_training_is_no_sweep(as_admin: Api) -> None:
    job_id = as_admin("POST", "/api/v1/trainings", json={"preset": "quick"}).json["job"]["id"]
    assert as_admin("GET", f"/api/v1/sweeps/{job_id}").status_code == 404


def add_tuned_version(database: Database, blobs: BlobStore) -> ModelVersion:
    version = add_version(database, blobs)
    digest = store_layers(blobs, (np.ones((2, 3), np.float32), np.zeros(3, np.float32)))
    with database.write() as session:
        found = registry.find(session, version.number)
        found.layers_digest, found.lineage = digest, {**found.lineage, "best_epoch": 7}
    return found


def test_the_head_of_a_version_can_be_downloaded(as_admin: Api, database: Database, blobs: BlobStore) -> None:
    version = add_tuned_version(database, blobs)
    response = as_admin("GET", f"/api/v1/models/{version.number}/head")
    assert response.headers["Content-Disposition"] == 'attachment; filename="xception_v1_07_0.833.npz"'
    assert Head.from_bytes(response.data, version.head_digest).class_count == 3


def test_so_can_its_fine_tuned_layers(as_admin: Api, database: Database, blobs: BlobStore) -> None:
    version = add_tuned_version(database, blobs)
    response = as_admin("GET", f"/api/v1/models/{version.number}/layers")
    assert "xception_v1_07_0.833_layers.npz" in response.headers["Content-Disposition"]
    assert hashlib.sha256(response.data).hexdigest() == version.layers_digest
    assert [array.shape for array in load_layers(blobs, version.layers_digest or "")] == [(2, 3), (3,)]


def test_a_version_on_the_base_weights_has_no_layers_to_download(
    as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    number = add_version(database, blobs).number
    assert as_admin("GET", f"/api/v1/models/{number}/layers").status_code == 404


def test_sellers_download_no_versions(as_seller: Api, database: Database, blobs: BlobStore) -> None:
    number = add_version(database, blobs).number
    assert as_seller("GET", f"/api/v1/models/{number}/head").status_code == 403


@pytest.mark.usefixtures("_dataset")
def test_a_dataset_that_blocks_trainings_blocks_sweeps(as_admin: Api, database: Database) -> None:
    finding = Finding(name="unreadable", level="blocks", detail="Two files are gone.", photos=[])
    with database.write() as session:
        reports.record(session, 1, [finding], None)
    refused = as_admin("POST", "/api/v1/sweeps", json=PLAN)
    assert (refused.status_code, refused.json["code"]) == (409, "dataset_blocked")
