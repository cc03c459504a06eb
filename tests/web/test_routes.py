"""Every route, walked by every kind of caller. Who adds a route says in `route_table.py` who may use it."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import delete

from shared import accounts
from shared.accounts import sessions
from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs.states import JobKind, JobState
from shared.settings import Settings, load_settings
from shared.tables import Batch, DatasetVersion, ModelVersion, SignInAttempt, User
from shared.webhooks import endpoints, replaying
from tests.factories import (
    add_answered_job,
    add_champion,
    add_failures,
    add_job,
    add_key,
    add_listing,
    add_photo,
    add_user,
    picture,
)
from tests.web.conftest import sign_in
from tests.web.route_table import ACTORS, ROUTES, SCOPES, Route
from web.app import create_app
from web.services import EXTENSION

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(slots=True)
class Walk:
    """One application for the whole walk, and objects of the seller's that are new for each request."""

    app: APIFlask
    database: Database
    blobs: BlobStore
    settings: Settings
    people: dict[str, User]
    champion: ModelVersion

    def objects(self) -> dict[str, str]:
        """What path parameters are filled with."""
        seller = self.people["seller"]
        photo = add_photo(self.database, self.blobs, seller)
        of_seller: dict[str, Any] = {"owner_id": seller.id, "photo_id": photo.id}
        with self.database.write() as session:
            session.execute(delete(SignInAttempt))
            accounts.open_session(session, seller.id)
            browser = accounts.sessions_of(session, seller.id)[0]
            key, _ = accounts.create_key(session, seller.id, "walk", ["read"])
            somebody = accounts.add_user(session, f"Somebody {uuid4().hex}", "seller")
            batch = Batch(owner_id=seller.id)
            session.add(batch)
        quarantined = add_failures(self.database, state=JobState.QUARANTINED, **of_seller)
        return {
            "photo_id": photo.id,
            "job_id": add_job(self.database, **of_seller).id,
            "answered_id": add_answered_job(self.database, photo, self.champion, hat=0.9).id,
            "failed_id": add_failures(self.database, **of_seller)[0].id,
            "quarantined_id": quarantined[0].id,
            "training_id": add_job(self.database, JobKind.TRAIN, owner_id=seller.id).id,
            "sweep_id": add_job(self.database, JobKind.SWEEP, owner_id=seller.id).id,
            "handle": sessions.handle(browser),
            "key_id": key.id,
            "user_id": somebody.id,
            "listing_id": add_listing(self.database, seller, photo).id,
            "batch_id": batch.id,
            "number": "1",
            **dict(zip(("webhook_id", "delivery_id"), self._webhook(seller), strict=True)),
        }

    def _webhook(self, owner: User) -> tuple[str, str]:
        """A webhook and a message of it."""
        url = f"https://example.org/{uuid4().hex}"
        with self.database.write() as session:
            endpoint, _ = endpoints.add(session, self.settings, owner.id, url, ["job.failed"])
            return endpoint.id, replaying.test(session, endpoint).id

    def status(self, name: str, route: Route, client: FlaskClient, headers: dict[str, str]) -> int:
        """What one caller gets."""
        method, rule = name.split(" ", 1)
        objects = self.objects()

        def filled(part: re.Match[str]) -> str:
            parameter = part[1].rpartition(":")[2]
            wanted = route.fill.get(parameter, parameter)
            return objects.get(wanted, wanted)

        path = re.sub(r"<([^>]+)>", filled, rule)
        send: dict[str, Any] = dict(route.send)
        if "photo_id" in send.get("json", {}):
            send["json"] = {"photo_id": objects["photo_id"]}
        if route.photo:
            send["data"] = {"photo": (io.BytesIO(picture(1)), "a.jpg")}
        accept = "application/json" if path.startswith("/api/v1") else "text/html"
        sent = {"Accept": accept, **headers, **send.pop("headers", {})}
        with client.open(path, method=method, headers=sent, **send) as response:
            return response.status_code


@pytest.fixture(scope="module")
def walk(migrated_sqlite: Path, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The application with a champion, a dataset and one person of each kind."""
    folder = tmp_path_factory.mktemp("walk")
    shutil.copy(migrated_sqlite, folder / "hangtag.db")
    env = {"HANGTAG_DATA_DIR": str(folder), "HANGTAG_REDIS_URL": redis_url, "HANGTAG_QUOTA_WEBHOOKS": "0"}
    settings = load_settings(env)
    app, database = create_app(settings), Database(settings.database_url)
    blobs = BlobStore(settings.blob_url)
    roles = {"other": "seller", "seller": "seller", "reviewer": "reviewer", "admin": "admin"}
    people = {actor: add_user(database, actor, role) for actor, role in roles.items()}
    champion = add_champion(database, blobs)
    with database.write() as session:
        session.add(DatasetVersion(digest="d" * 64, classes=["hat"], counts={}))
    yield Walk(app, database, blobs, settings, people, champion)
    app.extensions[EXTENSION].close()
    database.close()


@pytest.fixture
def without_csrf(walk: Walk) -> Iterator[None]:
    """CSRF tokens are another test's matter."""
    methods = walk.app.config["WTF_CSRF_METHODS"]
    walk.app.config["WTF_CSRF_METHODS"] = set()
    yield
    walk.app.config["WTF_CSRF_METHODS"] = methods


def names(app: APIFlask) -> set[str]:
    """Every route there is, as the table names it."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_table_names_every_route_and_no_other(walk: Walk) -> None:
    assert names(walk.app) == set(ROUTES)


@pytest.mark.usefixtures("without_csrf")
@pytest.mark.parametrize("name", ROUTES)
def test_a_route_answers_each_caller_as_the_table_says(walk: Walk, name: str) -> None:
    route = ROUTES[name]
    found: dict[str, int] = {}
    for actor in ACTORS:
        client = walk.app.test_client()
        if actor != "anonymous":
            sign_in(client, walk.database, walk.people[actor])
        found[actor] = walk.status(name, route, client, {})
    for scope in SCOPES:
        key = add_key(walk.database, walk.people["admin"], scope)
        bearer = {"Authorization": f"Bearer {key}"}
        found[f"key with {scope}"] = walk.status(name, route, walk.app.test_client(), bearer)
    expected = dict(zip(found, (*route.people, *route.keys), strict=True))
    assert found == expected


@pytest.mark.parametrize("name", [name for name in ROUTES if name.startswith(UNSAFE)])
def test_a_write_with_a_cookie_needs_a_token(walk: Walk, name: str) -> None:
    client = sign_in(walk.app.test_client(), walk.database, walk.people["admin"])
    assert walk.status(name, ROUTES[name], client, {}) == 403
