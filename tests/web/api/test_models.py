"""Versions, the champion and trainings."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets.importing import import_folder
from shared.jobs import store
from shared.jobs.states import Split
from tests.factories import add_champion, add_user, add_version, picture
from tests.web.conftest import Api


def import_photos(database: Database, blobs: BlobStore, root: Path) -> None:
    for number, (split, label) in enumerate((s, c) for s in Split for c in ("hat", "shoes")):
        (root / split / label).mkdir(parents=True)
        (root / split / label / "0.jpg").write_bytes(picture(number))
    import_folder(database, blobs, root)


def test_versions_show_metrics_lineage_and_aliases(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    add_version(database, blobs, seed=1)
    versions = as_seller("GET", "/api/v1/models").json["versions"]
    assert [version["number"] for version in versions] == [2, 1]
    assert [version["aliases"] for version in versions] == [[], ["champion"]]
    one = as_seller("GET", "/api/v1/models/1").json
    assert one["metrics"]["test"]["confusion"] == [[40, 0, 0], [0, 40, 0], [0, 20, 20]]
    assert as_seller("GET", "/api/v1/models/9").status_code == 404


def test_a_version_without_figures_or_with_those_of_an_older_form_has_no_evaluation(
    as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_version(database, blobs)
    whole = as_admin("GET", "/api/v1/models/1/evaluation").json
    assert whole is not None
    for number, metrics in enumerate(({}, {"test": whole["test"]}, {**whole, "test": {"accuracy": 0.9}}), 2):
        add_version(database, blobs, seed=number, metrics=metrics)
        answer = as_admin("GET", f"/api/v1/models/{number}/evaluation")
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
        assert f"Version {number} was never evaluated" in answer.json["detail"]


def test_where_a_version_comes_from_is_not_for_sellers(
    as_seller: Api, as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    assert as_seller("GET", "/api/v1/models").json["versions"][0]["lineage"] == {}
    assert as_seller("GET", "/api/v1/models/1").json["lineage"] == {}
    assert as_admin("GET", "/api/v1/models").json["versions"][0]["lineage"] != {}
    assert as_admin("GET", "/api/v1/models/1").json["lineage"] != {}


def test_a_promotion_moves_the_champion_and_is_remembered(
    as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    add_version(database, blobs, seed=1)
    body = {"version": 2, "reason": "Better with skirts."}
    promoted = as_admin("PUT", "/api/v1/aliases/champion", json=body).json
    assert (promoted["aliases"], promoted["moved"]) == (["champion"], True)
    latest = as_admin("GET", "/api/v1/aliases/champion/history").json["changes"][0]
    assert (latest["before"], latest["after"], latest["actor"]) == (1, 2, "Ada")
    assert latest["reason"] == "Better with skirts."


def test_the_champion_is_not_judged_again_nor_remembered_twice(
    as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs, metrics={})  # the gate would refuse it
    moves = [
        as_admin("PUT", "/api/v1/aliases/champion", json={"version": 1, "reason": "Once more."}).json,
        as_admin(
            "PUT", "/api/v1/aliases/champion", json={"version": 1, "reason": "By force.", "override": True}
        ).json,
    ]
    assert [(one["number"], one["aliases"], one["moved"]) for one in moves] == [(1, ["champion"], False)] * 2
    assert len(as_admin("GET", "/api/v1/aliases/champion/history").json["changes"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"version": 9, "reason": "x"}, 404, None),
        ({"version": 1}, 422, "reason"),
        ({"version": 0, "reason": "x"}, 422, "version"),
        ({"version": 1, "reason": "x", "force": True}, 422, "force"),
    ],
)
def test_a_wrong_promotion_changes_nothing(
    as_admin: Api,
    database: Database,
    blobs: BlobStore,
    body: dict[str, object],
    status: int,
    field: str | None,
) -> None:
    add_champion(database, blobs)
    response = as_admin("PUT", "/api/v1/aliases/champion", json=body)
    assert response.status_code == status
    if field:
        assert response.json["errors"][0]["field"] == field
    assert len(as_admin("GET", "/api/v1/aliases/champion/history").json["changes"]) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/api/v1/aliases/champion"), ("POST", "/api/v1/aliases/champion/rollback")]
)
def test_sellers_need_not_wait_while_the_files_of_a_version_are_checked(
    as_admin: Api,
    database: Database,
    blobs: BlobStore,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
) -> None:
    add_champion(database, blobs)
    add_champion(database, blobs, seed=1)
    read = BlobStore.get
    looks: list[str] = []

    def get(store: BlobStore, key: str) -> bytes:
        add_user(database, f"Somebody {len(looks)}")  # fails where the checking transaction writes
        looks.append(key)
        return read(store, key)

    monkeypatch.setattr(BlobStore, "get", get)
    body: dict[str, object] = {"reason": "Better with hats."} | ({"version": 1} if method == "PUT" else {})
    assert as_admin(method, path, json=body).status_code == 200
    assert len(looks) == 1


def test_malformed_json_is_a_bad_request(as_admin: Api) -> None:
    response = as_admin(
        "PUT", "/api/v1/aliases/champion", data=b'{"version":', content_type="application/json"
    )
    assert response.status_code == 400


def test_a_training_is_a_job_with_its_parameters_and_dataset(
    as_admin: Api, database: Database, blobs: BlobStore, tmp_path: Path
) -> None:
    import_photos(database, blobs, tmp_path / "photos")
    response = as_admin("POST", "/api/v1/trainings", json={"preset": "quick", "epochs": 3})
    assert response.status_code == 202
    job_id = response.json["job"]["id"]
    assert response.headers["Location"] == f"/api/v1/trainings/{job_id}"
    with database.read() as session:
        payload = store.find(session, job_id).payload
    assert payload["dataset_version"] == 1
    assert (payload["parameters"]["epochs"], payload["parameters"]["image_size"]) == (3, 150)
    assert as_admin("GET", f"/api/v1/trainings/{job_id}").json["kind"] == "train"
    assert as_admin("GET", f"/api/v1/trainings/{job_id}/metrics").json == {"epochs": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"epochs": -1}, "epochs"),
        ({"epochs": 1_000_000_000}, "epochs"),
        ({"preset": "luxury"}, "preset"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_hyper_parameter_is_named(as_admin: Api, body: dict[str, object], field: str) -> None:
    response = as_admin("POST", "/api/v1/trainings", json=body)
    assert (response.status_code, response.json["code"]) == (422, "validation_error")
    assert response.json["errors"][0]["field"] == field


def test_a_number_that_json_does_not_know_is_refused(as_admin: Api) -> None:
    response = as_admin(
        "POST", "/api/v1/trainings", data=b'{"dropout": NaN}', content_type="application/json"
    )
    assert response.status_code in (400, 422)


def test_a_training_without_photos_says_how_to_get_some(as_admin: Api) -> None:
    response = as_admin("POST", "/api/v1/trainings", json={})
    assert response.status_code == 404
    assert "hangtag dataset import" in response.json["detail"]
