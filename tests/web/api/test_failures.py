"""Failures and queues through the API: what operators see and do, and that nobody else does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from shared.clock import utc_now
from shared.database import Database
from shared.jobs import failures
from shared.jobs.states import JobState
from shared.tables import User, WorkerHeartbeat
from tests.factories import add_failures, add_job
from tests.web.conftest import Api

CAUSE = {"kind": "classify", "error_code": "blob_missing"}
OPERATING = [
    ("GET", "/api/v1/jobs/failures"),
    ("POST", "/api/v1/jobs/failures/retry"),
    ("POST", "/api/v1/jobs/failures/discard"),
    ("GET", "/api/v1/queues"),
]


@pytest.mark.parametrize(("method", "path"), OPERATING)
def test_a_seller_may_not_operate(as_seller: Api, method: str, path: str) -> None:
    response = as_seller(method, path, **({"json": CAUSE} if method == "POST" else {}))
    assert (response.status_code, response.json["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("deed", ["release", "discard"])
def test_a_seller_may_not_even_release_or_discard_an_own_job(
    as_seller: Api, database: Database, seller: User, deed: str
) -> None:
    (job,) = add_failures(database, state=JobState.QUARANTINED, owner_id=seller.id)
    assert as_seller("POST", f"/api/v1/jobs/{job.id}/{deed}").status_code == 403
    assert as_seller("GET", f"/api/v1/jobs/{job.id}").json["discarded_at"] is None


@pytest.mark.parametrize(("method", "path"), OPERATING)
def test_without_a_key_there_is_nothing_to_operate(client: FlaskClient, method: str, path: str) -> None:
    assert client.open(path, method=method, json=CAUSE).status_code == 401


def test_failures_are_listed_by_cause(as_admin: Api, database: Database) -> None:
    jobs = add_failures(database, 2)
    body = as_admin("GET", "/api/v1/jobs/failures").json
    (group,) = body["failures"]
    assert {name: group[name] for name in ("kind", "error_code", "message", "count", "quarantined")} == {
        **CAUSE,
        "message": "About blob_missing.",
        "count": 2,
        "quarantined": 0,
    }
    assert group["sample_job_id"] == max(job.id for job in jobs)
    assert group["first_seen"] <= group["last_seen"]
    assert body["more"] is False


def test_a_group_is_retried_and_leaves_the_list(as_admin: Api, database: Database) -> None:
    jobs = add_failures(database, 3)
    response = as_admin("POST", "/api/v1/jobs/failures/retry", json=CAUSE)
    assert (response.status_code, response.json["count"], response.json["left"]) == (202, 3, 0)
    assert as_admin("GET", "/api/v1/jobs/failures").json["failures"] == []
    again = as_admin("GET", f"/api/v1/jobs/{jobs[0].id}").json["retried_as"]
    assert as_admin("GET", f"/api/v1/jobs/{again}").json["state"] == "queued"


def test_a_group_too_large_for_one_call_is_gone_on_with(
    as_admin: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "BATCH", 2)
    monkeypatch.setattr(failures, "CALL_SECONDS", 0.0)
    add_failures(database, 3)
    first = as_admin("POST", "/api/v1/jobs/failures/retry", json=CAUSE).json
    add_failures(database, finished_at=utc_now() + timedelta(seconds=5))  # failed again meanwhile
    request = {**CAUSE, "until": first["until"]}
    second = as_admin("POST", "/api/v1/jobs/failures/retry", json=request).json
    assert [(each["count"], each["left"]) for each in (first, second)] == [(2, 1), (1, 0)]


def test_a_group_is_discarded_and_still_found(as_admin: Api, database: Database) -> None:
    (job,) = add_failures(database)
    assert as_admin("POST", "/api/v1/jobs/failures/discard", json=CAUSE).json["count"] == 1
    assert as_admin("GET", "/api/v1/jobs?handled=open").json["jobs"] == []
    (found,) = as_admin("GET", "/api/v1/jobs?handled=discarded&error_code=blob_missing").json["jobs"]
    assert (found["id"], found["state"], found["discarded_by"]) == (job.id, "failed", "Ada")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"error_code": "x"}, "kind"),
        ({"kind": "classify"}, "error_code"),
        ({**CAUSE, "kind": "paint"}, "kind"),
        ({**CAUSE, "until": "soon"}, "until"),
        ({**CAUSE, "until": "0001-01-01T00:00:00+14:00"}, "until"),
        ({**CAUSE, "until": "9999-12-31T23:59:59-14:00"}, "until"),
        ({**CAUSE, "eror_code": "x"}, "eror_code"),
    ],
)
def test_a_wrong_cause_names_the_field(as_admin: Api, body: dict[str, str], field: str) -> None:
    response = as_admin("POST", "/api/v1/jobs/failures/retry", json=body)
    assert response.status_code == 422
    assert response.json["errors"][0]["field"] == field


def test_the_first_and_the_last_moment_of_the_calendar_are_moments(as_admin: Api, database: Database) -> None:
    add_failures(database)
    for moment, count in (("0001-01-01T00:00:00", 0), ("9999-12-31T23:59:59.999999Z", 1)):
        response = as_admin("POST", "/api/v1/jobs/failures/discard", json={**CAUSE, "until": moment})
        assert (response.status_code, response.json["count"]) == (200, count)


def test_one_failure_is_discarded(as_admin: Api, database: Database) -> None:
    (job,) = add_failures(database)
    assert as_admin("POST", f"/api/v1/jobs/{job.id}/discard").json["job"]["discarded_by"] == "Ada"
    waiting = add_job(database)
    response = as_admin("POST", f"/api/v1/jobs/{waiting.id}/discard")
    assert (response.status_code, response.json["code"]) == (409, "not_discardable")


def test_a_release_answers_with_the_new_job(as_admin: Api, database: Database) -> None:
    (job,) = add_failures(database, state=JobState.QUARANTINED)
    response = as_admin("POST", f"/api/v1/jobs/{job.id}/release")
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/v1/jobs/{response.json['job']['id']}"
    again = as_admin("POST", f"/api/v1/jobs/{response.json['job']['id']}/release")
    assert (again.status_code, again.json["code"]) == (409, "not_in_quarantine")


def test_a_repeated_retry_answers_with_the_same_new_job(
    as_seller: Api, database: Database, seller: User
) -> None:
    (job,) = add_failures(database, owner_id=seller.id)
    answers = [as_seller("POST", f"/api/v1/jobs/{job.id}/retry").json["job"]["id"] for _ in range(2)]
    assert len(set(answers)) == 1


def test_jobs_are_filtered_by_error_code(as_seller: Api, database: Database, seller: User) -> None:
    (job,) = add_failures(database, owner_id=seller.id)
    add_failures(database, code="storage_full", owner_id=seller.id)
    add_failures(database)
    found = as_seller("GET", "/api/v1/jobs?error_code=blob_missing").json["jobs"]
    assert [each["id"] for each in found] == [job.id]
    assert as_seller("GET", "/api/v1/jobs?error_code=%27").status_code == 422


def test_queues_tell_depth_age_and_workers(as_admin: Api, database: Database) -> None:
    add_job(database)
    now = utc_now()
    with database.write() as session:
        session.add(
            WorkerHeartbeat(
                name="predict@a",
                kind="predict",
                engine="openvino",
                device="CPU",
                resident_bytes=5,
                started_at=now,
                seen_at=now - timedelta(minutes=1),
            )
        )
    body = as_admin("GET", "/api/v1/queues").json
    photos = body["queues"][0]
    assert (photos["kind"], photos["queue"], photos["waiting"], photos["workers"]) == (
        "classify",
        "predict",
        1,
        0,
    )
    assert photos["oldest_age_seconds"] >= 0
    assert (body["workers"][0]["engine"], body["workers"][0]["silent"]) == ("openvino", True)


def test_the_operators_calls_are_described(client: FlaskClient) -> None:
    paths = client.get("/api/v1/openapi.json").json["paths"]
    for method, path in OPERATING:
        operation = paths[path][method.lower()]
        assert operation["description"]
        assert {"401", "403", "503"} <= set(operation["responses"])
