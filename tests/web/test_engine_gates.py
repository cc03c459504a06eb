"""In which precision a version answers, and why: on its page, in the list, and through the API."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.tables import DatasetVersion, EngineGate, Job, WorkerHeartbeat
from tests.factories import CLASSES, add_champion
from tests.web.conftest import Api

FIGURES = {
    "photos": 341,
    "agreement": 0.979,
    "accuracy": 0.906,
    "int8_accuracy": 0.894,
    "lost": 5,
    "won": 1,
    "chance": 0.109,
    "calibration_error": 0.038,
    "int8_calibration_error": 0.029,
}


def judge(
    database: Database,
    passed: bool | None,
    reason: str | None,
    figures: dict[str, Any] | None = FIGURES,
) -> None:
    """Version 1 with this judgement; None is one that is not made yet."""
    with database.write() as session:
        dataset = DatasetVersion(digest="1" * 64, classes=CLASSES, counts={})
        session.add(dataset)
        job = store.create(session, JobKind.QUANTIZE, payload={"model_version": 1})
        session.flush()
        session.add(
            EngineGate(
                model_version=1,
                job_id=job.id,
                dataset_version=dataset.number,
                openvino="2026.4.1",
                network_digest=None if passed is None else "d" * 64,
                passed=passed,
                figures=figures if passed is not None else None,
                reason=reason,
            )
        )


@pytest.mark.parametrize(
    ("passed", "reason", "word", "sentence"),
    [
        (
            True,
            "It passed.",
            "8 bits",
            "Answers in 8 bits, which takes about a third of the time. It passed.",
        ),
        (False, "It was refused.", "8 bits refused", "Answers in full precision. It was refused."),
        (None, None, "8 bits being checked", "Whether 8 bits give the same answers is"),
    ],
)
def test_pages_say_which_precision_serves_and_why(
    admin_signed_in: FlaskClient,
    database: Database,
    blobs: BlobStore,
    passed: bool | None,
    reason: str | None,
    word: str,
    sentence: str,
) -> None:
    add_champion(database, blobs)
    judge(database, passed, reason)
    assert word in admin_signed_in.get("/versions").text
    page = admin_signed_in.get("/versions/1").text
    assert sentence in page
    assert ("97.9 % of 341 validation photos" in page) == (passed is not None)


def test_a_check_that_failed_is_not_called_a_refusal(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    judge(database, passed=False, reason="The check failed.", figures=None)
    page = admin_signed_in.get("/versions").text
    assert "the check of 8 bits failed" in page
    assert "8 bits refused" not in page


def test_a_version_nobody_judged_says_what_it_takes(
    admin_signed_in: FlaskClient, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    assert "its categories and a hundred validation photos" in admin_signed_in.get("/versions/1").text


def test_the_api_tells_the_judgement_with_its_figures(
    as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    assert as_admin("GET", "/api/v1/models/1").json["int8"] is None
    judge(database, True, "It passed.")
    one = as_admin("GET", "/api/v1/models/1").json["int8"]
    assert (one["passed"], one["reason"], one["figures"]) == (True, "It passed.", FIGURES)
    assert as_admin("GET", "/api/v1/models").json["versions"][0]["int8"] == one


def test_home_says_that_the_champion_answers_in_8_bits_and_since_when(
    admin_signed_in: FlaskClient, as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    judge(database, True, "It passed.")
    with database.write() as session:
        job = session.scalars(select(Job).where(Job.kind == JobKind.QUANTIZE)).one()
        job.state, job.finished_at = JobState.SUCCEEDED, utc_now()
    assert "in 8 bits</a>" not in admin_signed_in.get("/home").text  # no worker answers so
    with database.write() as session:
        worker = {"kind": "predict", "engine": "openvino-int8", "resident_bytes": 1}
        session.add(WorkerHeartbeat(name="predict@a", started_at=utc_now(), seen_at=utc_now(), **worker))
    assert 'href="/versions/1#precision-title">in 8 bits</a>' in admin_signed_in.get("/home").text
    assert as_admin("GET", "/api/v1/overview").json["int8_since"] is not None


def test_a_version_that_learned_in_8_bits_says_so_on_its_page_and_through_the_api(
    admin_signed_in: FlaskClient, as_admin: Api, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs, lineage={"int8_network_digest": "d" * 64})
    page = admin_signed_in.get("/versions/1").text
    assert "learned in 8 bits" in page
    assert "every figure here measured on features in full precision" in page
    lineage = as_admin("GET", "/api/v1/models/1").json["lineage"]
    assert lineage["int8_network_digest"] == "d" * 64
