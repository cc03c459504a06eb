"""The whole API against its own OpenAPI file: generated requests, each operation, as admin and as seller."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from shared import accounts
from shared.blobs import BlobStore
from shared.jobs.states import JobKind, Split
from shared.tables import DatasetVersion
from shared.webhooks import endpoints, replaying
from tests.factories import add_champion, add_failures, add_job, add_key, add_listing, add_photo, picture
from tests.web_server import WebServer, serve

# Requests per operation, key and mode: enough for every kind of them, within a minute for all.
EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
    checks.unsupported_method,
]
FEW_AND_REPEATABLE = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# Nobody works on the jobs here, so waiting for one would only take time.
LONGEST_WAIT = 0.1
# Everything a person has goes with it, so it comes last.
LAST = "DELETE /api/v1/account/data"
# The stream of a job that has not ended goes on for a minute.
STREAM = "GET /api/v1/jobs/{job_id}/events"


@pytest.fixture(scope="module")
def web_server(short_tmp: Path, redis_url: str) -> Iterator[WebServer]:
    """A server of our own, for generated requests change and delete whatever they find."""
    with serve(short_tmp / "contract", redis_url) as server:
        yield server


@pytest.mark.parametrize("role", ["admin", "seller"])
def test_every_operation_answers_as_the_contract_says(web_server: WebServer, role: str) -> None:
    user = web_server.admin if role == "admin" else web_server.seller
    scopes = accounts.SCOPES if role == "admin" else ("classify", "read")
    headers = {"Authorization": f"Bearer {add_key(web_server.database, user, *scopes)}"}
    schema = schemathesis.openapi.from_url(f"{web_server.url}/api/v1/openapi.json")
    results: Any = schema.get_all_operations()
    operations = [result.ok() for result in results]
    found: list[str] = []
    for operation in sorted(operations, key=lambda operation: operation.label == LAST):
        known = existing(web_server)
        if operation.label == STREAM:
            known["job_id"] = known["failed_id"]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                check(operation, mode, known, headers)
            except Exception as error:  # noqa: BLE001 - all that is wrong shall be told at once
                found.append(f"{operation.label}, {mode.value}: {error}"[:2000])
    assert not found, "\n\n".join(found)
    assert len(operations) >= 30


def check(operation: Any, mode: GenerationMode, known: dict[str, Any], headers: dict[str, str]) -> None:
    """Send generated requests for one operation and compare each answer with what it promises."""

    @FEW_AND_REPEATABLE
    @given(case=operation.as_strategy(generation_mode=mode), exists=hypothesis.strategies.booleans())
    def run(case: Case[Any], exists: bool) -> None:
        if exists and case.path_parameters:
            case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        if case.query and isinstance(case.query.get("wait"), int | float):
            case.query["wait"] = min(case.query["wait"], LONGEST_WAIT)
        case.call_and_validate(headers=headers, checks=CHECKS)

    try:
        run()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # without parameters or a body nothing can be wrong


def existing(server: WebServer) -> dict[str, Any]:
    """Ids of things that are there, so that requests get further than to a 404."""
    version = add_champion(server.database, BlobStore(server.settings.blob_url))
    photo = add_photo(server.database, BlobStore(server.settings.blob_url), server.seller)
    job = add_job(server.database, JobKind.CLASSIFY, owner_id=server.seller.id, photo_id=photo.id)
    failed = add_failures(server.database, 2, owner_id=server.seller.id, photo_id=photo.id)
    listing = add_listing(server.database, server.seller, photo)
    with server.database.write() as session:
        if session.get(DatasetVersion, 1) is None:
            counts = {split.value: {"hat": 1} for split in Split}
            session.add(DatasetVersion(digest="2" * 64, classes=["hat", "shoes"], counts=counts))
    with server.client() as client:
        sent = client.post("/api/v1/batches", files={"photo": ("a.jpg", picture(1))}).json()
    with server.database.write() as session:
        url = f"https://example.org/{uuid4().hex}"
        unlimited = dataclasses.replace(server.settings, quota_webhooks=0)
        endpoint, _ = endpoints.add(session, unlimited, server.seller.id, url, ["job.failed"])
        delivery = replaying.test(session, endpoint)
    return {
        "webhook_id": endpoint.id,
        "delivery_id": delivery.id,
        "job_id": job.id,
        "failed_id": failed[0].id,
        "photo_id": photo.id,
        "listing_id": listing.id,
        "batch_id": sent["batch"]["id"],
        "number": version.number,
    }
