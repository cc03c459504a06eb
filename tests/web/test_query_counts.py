"""A page or an API answer asks the database as often for thirty things as for three."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select

from shared import quotas
from shared.accounts import tokens
from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import reports
from shared.jobs.states import JobKind, Split
from shared.models.hyperparameters import HyperParameters
from shared.photos import predictions
from shared.sweeps import store as sweeps
from shared.tables import DatasetExample, DatasetVersion, Job, Photo, TrainingEpoch, User, new_id
from tests.factories import add_champion, add_job, add_photo, add_version, picture
from tests.web.conftest import Api
from web.services import EXTENSION

PATHS = (
    *("/sell", "/jobs", "/jobs/{job}", "/jobs/failures", "/versions", "/versions/1"),
    *("/api/v1/jobs", "/api/v1/jobs/{job}", "/api/v1/models", "/api/v1/models/1", "/api/v1/datasets"),
)
# Who asks, what it is about, what is wanted, and some to spare: more than these is no lookup but a loop.
MOST = 14


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def answered(database: Database, blobs: BlobStore, owner: User, seeds: range) -> Job:
    """As many answered photos of this person with a job each, and as many versions. One of the jobs."""
    for seed in seeds:
        photo = add_photo(database, blobs, owner, seed)
        job = add_job(database, owner_id=owner.id, photo_id=photo.id)
        add_version(database, blobs, seed=seed)
        answer = {"category": "hat", "confidence": 0.9, "decision": "suggest", "top": []}
        with database.write() as session:
            predictions.remember(session, photo.id, 1, "openvino", answer)
    return job


@pytest.mark.parametrize("path", PATHS)
def test_the_number_of_queries_does_not_grow_with_what_is_shown(
    app: APIFlask, admin_signed_in: FlaskClient, admin: User, database: Database, blobs: BlobStore, path: str
) -> None:
    add_champion(database, blobs)

    def queries(job: Job) -> list[str]:
        with counted(app.extensions[EXTENSION].database.engine) as sent:
            response = admin_signed_in.get(path.format(job=job.id))
        assert response.status_code == 200, response.text
        return sent

    few = queries(answered(database, blobs, admin, range(3)))
    many = queries(answered(database, blobs, admin, range(3, 18)))
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= MOST, "\n".join(many)


def trained(database: Database, owner: User, count: int) -> None:
    """So many trainings and sweeps that have told of something, and dataset versions with a report."""
    figures = {"loss": 0.1, "accuracy": 0.9, "val_loss": 0.2, "val_accuracy": 0.8, "seconds": 1.0}
    trials = [HyperParameters(hidden_units=units) for units in (10, 100)]
    for _ in range(count):
        job = add_job(database, JobKind.TRAIN, owner_id=owner.id, payload={"parameters": {}})
        with database.write() as session:
            session.add(TrainingEpoch(job_id=job.id, attempt=1, epoch=1, **figures))
            sweeps.create(session, owner.id, 1, trials, None)
            version = DatasetVersion(digest=new_id(), classes=[], counts={})
            session.add(version)
            session.flush()
            reports.record(session, version.number, [], None)


@pytest.mark.parametrize("path", ["/trainings", "/trainings/sweeps", "/data"])
def test_the_number_of_queries_does_not_grow_with_what_was_trained(
    app: APIFlask, admin_signed_in: FlaskClient, admin: User, database: Database, path: str
) -> None:
    asked = []
    for more in (2, 10):
        trained(database, admin, more)
        with counted(app.extensions[EXTENSION].database.engine) as sent:
            assert admin_signed_in.get(path).status_code == 200
        asked.append(len(sent))
    assert asked[0] == asked[1] <= MOST


def test_the_number_of_queries_does_not_grow_with_the_categories_of_a_dataset_version(
    app: APIFlask, admin_signed_in: FlaskClient, database: Database
) -> None:
    asked = []
    for number, categories in ((1, 2), (2, 12)):
        labels = [f"category {place}" for place in range(categories)]
        with database.write() as session:
            session.add(DatasetVersion(number=number, digest=str(number) * 64, classes=labels, counts={}))
            session.flush()
            for place, label in enumerate(labels):
                line = {"digest": f"{place:064x}", "label": label, "split": Split.TRAIN}
                session.add(DatasetExample(dataset_version=number, **line))
        with counted(app.extensions[EXTENSION].database.engine) as sent:
            assert admin_signed_in.get(f"/data/{number}").status_code == 200
        asked.append(len(sent))
    assert asked[0] == asked[1] <= MOST


def test_taking_a_photo_costs_as_little_for_the_hundredth_as_for_the_second(
    app: APIFlask, as_seller: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks, their photo, its job: what else there is to know was counted, or is known to be nothing."""
    # A hundred photos may take longer than what is known of a person is believed.
    monkeypatch.setattr(quotas, "COUNT_SECONDS", 3600.0)
    monkeypatch.setattr(tokens, "USE_RESOLUTION", timedelta(hours=1))

    def statements(seed: int) -> list[str]:
        body = {"photo": (io.BytesIO(picture(seed)), "shirt.jpg", "image/jpeg")}
        with counted(app.extensions[EXTENSION].database.engine) as sent:
            response = as_seller("POST", "/api/v1/classifications", data=body)
        assert response.status_code == 202, response.text
        return [statement for statement in sent if not statement.startswith("BEGIN")]

    statements(0)
    assert [len(statements(seed)) for seed in range(1, 100)] == [3] * 99


def test_a_table_of_labels_costs_as_much_for_ninety_lines_as_for_three(
    app: APIFlask, as_admin: Api, admin: User, database: Database, blobs: BlobStore
) -> None:
    photos = [add_photo(database, blobs, admin, seed).id for seed in range(90)]
    with database.read() as session:
        digests = list(session.scalars(select(Photo.digest)))

    def statements(named: list[str], label: str) -> int:
        table = "photo,label\n" + "".join(f"{name},{label}\n" for name in named)
        with counted(app.extensions[EXTENSION].database.engine) as sent:
            response = as_admin("POST", "/api/v1/datasets/examples", data=table, content_type="text/csv")
        assert response.json["errors"] == []
        return len(sent)

    statements(photos, "hat")
    assert statements(photos, "shirt") == statements(photos[:3], "hat")
    assert statements(digests, "dress") == statements(digests[:3], "hat")
