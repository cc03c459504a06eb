"""What load balancers and monitoring see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import update

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.settings import Settings
from shared.tables import AliasChange, WorkerHeartbeat
from tests.factories import add_champion, add_job
from tests.web.conftest import MakeApp


def beat(database: Database, seconds_ago: float = 0, serving: int | None = None) -> None:
    now = utc_now()
    with database.write() as session:
        session.merge(
            WorkerHeartbeat(
                name="predict@here:1",
                kind="predict",
                engine="openvino",
                serving=serving,
                resident_bytes=1,
                started_at=now,
                seen_at=now - timedelta(seconds=seconds_ago),
            )
        )


def test_ready_without_degradation_needs_champion_and_worker(
    client: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    before = client.get("/readyz")
    assert (before.status_code, before.json["degraded"]) == (200, True)
    assert not before.json["checks"]["champion"]["ok"]
    add_champion(database, blobs)
    beat(database)
    after = client.get("/readyz")
    assert (after.status_code, after.json["ready"], after.json["degraded"]) == (200, True, False)


def test_a_silent_worker_is_a_degradation(client: FlaskClient, database: Database, blobs: BlobStore) -> None:
    add_champion(database, blobs)
    beat(database, seconds_ago=60)
    assert not client.get("/readyz").json["checks"]["workers"]["ok"]


def test_a_version_that_was_just_promoted_may_still_be_loading(
    client: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    former = add_champion(database, blobs)
    champion = add_champion(database, blobs)
    beat(database, serving=former.number)
    promoted = client.get("/readyz").json
    assert promoted["degraded"] is False
    assert promoted["checks"]["champion"] == {
        "ok": True,
        "detail": f"version {champion.number} is being loaded; version {former.number} still answers",
    }
    with database.write() as session:
        session.execute(update(AliasChange).values(created_at=utc_now() - timedelta(minutes=1)))
    later = client.get("/readyz").json
    assert later["degraded"] is True
    assert "is not loaded everywhere" in later["checks"]["champion"]["detail"]


def test_without_redis_photos_are_still_taken(make_app: MakeApp, settings: Settings) -> None:
    client = make_app(replace(settings, redis_url="redis+socket:///nowhere/r.sock")).test_client()
    response = client.get("/readyz")
    assert (response.status_code, response.json["checks"]["broker"]["ok"]) == (200, False)


def test_without_a_database_it_is_live_but_not_ready(make_app: MakeApp, settings: Settings) -> None:
    client = make_app(replace(settings, database_url="sqlite:////nowhere/hangtag.db")).test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    response = client.get("/api/v1/jobs", headers={"Authorization": "Bearer htk_x"})
    assert (response.status_code, response.json["code"]) == (503, "database_unavailable")
    assert response.headers["Retry-After"]


def test_metrics_count_jobs_by_kind_and_state(client: FlaskClient, database: Database) -> None:
    add_job(database)
    text = client.get("/metrics").text
    assert 'hangtag_jobs{kind="classify",state="queued"} 1.0' in text
    assert 'hangtag_queue_age_seconds{kind="classify"}' in text


def test_the_openapi_file_describes_every_route_of_the_api(client: FlaskClient) -> None:
    spec = client.get("/api/v1/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    rules = client.application.url_map.iter_rules()
    paths = {rule.rule for rule in rules if rule.rule.startswith("/api/v1/")} - {"/api/v1/openapi.json"}
    documented = {path.replace("{", "<").replace("}", ">") for path in spec["paths"]}
    assert {path.replace("<int:", "<") for path in paths} <= documented
    upload = spec["paths"]["/api/v1/classifications"]["post"]
    assert "multipart/form-data" in upload["requestBody"]["content"]
