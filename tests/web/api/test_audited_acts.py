"""What has to stand in the audit log does, by whoever did it, in the transaction that did it."""

from __future__ import annotations

import io

import pytest

from shared import audit
from shared.audit import Action
from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs.states import JobState
from shared.tables import User
from tests.factories import add_champion, add_failures, add_photo, add_version, picture
from tests.web.conftest import Api


def newest(database: Database, action: Action) -> tuple[str, str]:
    """By whom, and about what."""
    with database.read() as session:
        event = audit.latest(session, action)
    assert event is not None, f"{action} is not in the log"
    return event.actor, event.subject


def test_promotions_and_rollbacks(as_admin: Api, database: Database, blobs: BlobStore) -> None:
    first = add_champion(database, blobs)
    second = add_version(database, blobs, seed=1)
    as_admin("PUT", "/api/v1/aliases/champion", json={"version": second.number, "reason": "Better."})
    assert newest(database, Action.PROMOTED) == ("Ada", f"version {second.number}")
    as_admin("POST", "/api/v1/aliases/champion/rollback", json={"reason": "Worse."})
    assert newest(database, Action.ROLLED_BACK) == ("Ada", f"version {first.number}")


def test_releases_from_quarantine_one_by_one_and_as_a_group(as_admin: Api, database: Database) -> None:
    one, *_ = add_failures(database, 3, "worker_crashed", state=JobState.QUARANTINED)
    as_admin("POST", f"/api/v1/jobs/{one.id}/release")
    assert newest(database, Action.QUARANTINE_RELEASED) == ("Ada", f"job {one.id}")
    as_admin("POST", "/api/v1/jobs/failures/retry", json={"kind": "classify", "error_code": "worker_crashed"})
    assert newest(database, Action.QUARANTINE_RELEASED) == ("Ada", "2 jobs")


def test_trying_again_what_was_in_no_quarantine_is_no_release(as_admin: Api, database: Database) -> None:
    add_failures(database, 2)
    as_admin("POST", "/api/v1/jobs/failures/retry", json={"kind": "classify", "error_code": "blob_missing"})
    with database.read() as session:
        assert audit.latest(session, Action.QUARANTINE_RELEASED) is None


def test_deletions_and_exports(as_seller: Api, database: Database, blobs: BlobStore, seller: User) -> None:
    photo = add_photo(database, blobs, seller)
    as_seller("DELETE", f"/api/v1/photos/{photo.id}")
    assert newest(database, Action.DELETED) == ("Sam", f"photo {photo.id}")
    as_seller("GET", "/api/v1/account/data")
    assert newest(database, Action.EXPORTED) == ("Sam", "everything of Sam")
    as_seller("DELETE", "/api/v1/account/data")
    assert newest(database, Action.DELETED) == ("Sam", "everything of Sam")


@pytest.mark.parametrize("path", ["/api/v1/photos/01a00000-0000-7000-8000-000000000000"])
def test_what_was_refused_leaves_no_event(as_seller: Api, database: Database, path: str) -> None:
    with database.read() as session:
        before = audit.verify(session).count
    assert as_seller("DELETE", path).status_code == 404
    with database.read() as session:
        assert audit.verify(session).count == before


def test_everyday_work_is_not_in_the_log(as_seller: Api, database: Database) -> None:
    with database.read() as session:
        before = audit.verify(session).count
    photo = {"photo": (io.BytesIO(picture(1)), "a.jpg")}
    as_seller("POST", "/api/v1/classifications", data=photo, content_type="multipart/form-data")
    as_seller("GET", "/api/v1/jobs")
    with database.read() as session:
        assert audit.verify(session).count == before
