"""Every route, walked by every kind of caller. Who adds a route says in `route_table.py` who may use it."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
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
from shared.tables import Batch, DatasetVersion, ModelVersion, Photo, SignInAttempt, User
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
    """One application for the whole walk."""

    app: APIFlask
    database: Database
    blobs: BlobStore
    settings: Settings
    people: dict[str, User]
    champion: ModelVersion

    def status(self, name: str, route: Route, client: FlaskClient, headers: dict[str, str]) -> int:
        """What one caller gets."""
        method, rule = name.split(" ", 1)
        objects = Objects(self)

        def filled(part: re.Match[str]) -> str:
            parameter = part[1].rpartition(":")[2]
            return objects.named(route.fill.get(parameter, parameter))

        path = re.sub(r"<([^>]+)>", filled, rule)
        send: dict[str, Any] = dict(route.send)
        if "photo_id" in send.get("json", {}):
            send["json"] = {"photo_id": objects.named("photo_id")}
        if route.photo:
            send["data"] = {"photo": (io.BytesIO(picture(1)), "a.jpg")}
        accept = "application/json" if path.startswith("/api/v1") else "text/html"
        sent = {"Accept": accept, **headers, **send.pop("headers", {})}
        with self.database.write() as session:
            session.execute(delete(SignInAttempt))
        with client.open(path, method=method, headers=sent, **send) as response:
            return response.status_code


class Objects:
    """What path parameters are filled with: objects of the seller's that are new for each request, each made
    when it is asked for."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._database = walk.database
        self._seller = walk.people["seller"]

    def named(self, wanted: str) -> str:
        """The object of this name; a name that is none stands for itself."""
        made: dict[str, Callable[[], str]] = {
            "photo_id": lambda: self._photo.id,
            "job_id": lambda: add_job(self._database, **self._of_seller).id,
            "answered_id": lambda: (
                add_answered_job(self._database, self._photo, self._walk.champion, hat=0.9).id
            ),
            "failed_id": lambda: add_failures(self._database, **self._of_seller)[0].id,
            "quarantined_id": lambda: self._quarantined,
            "training_id": lambda: add_job(self._database, JobKind.TRAIN, owner_id=self._seller.id).id,
            "sweep_id": lambda: add_job(self._database, JobKind.SWEEP, owner_id=self._seller.id).id,
            "handle": lambda: self._browser,
            "key_id": lambda: self._key,
            "user_id": lambda: self._somebody,
            "listing_id": lambda: add_listing(self._database, self._seller, self._photo).id,
            "batch_id": lambda: self._batch,
            "number": lambda: "1",
            "webhook_id": lambda: self._webhook[0],
            "delivery_id": lambda: self._webhook[1],
        }
        return made[wanted]() if wanted in made else wanted

    @cached_property
    def _photo(self) -> Photo:
        return add_photo(self._database, self._walk.blobs, self._seller)

    @property
    def _of_seller(self) -> dict[str, Any]:
        return {"owner_id": self._seller.id, "photo_id": self._photo.id}

    @property
    def _quarantined(self) -> str:
        return add_failures(self._database, state=JobState.QUARANTINED, **self._of_seller)[0].id

    @property
    def _browser(self) -> str:
        with self._database.write() as session:
            accounts.open_session(session, self._seller.id)
            return sessions.handle(accounts.sessions_of(session, self._seller.id)[0])

    @property
    def _key(self) -> str:
        with self._database.write() as session:
            return accounts.create_key(session, self._seller.id, "walk", ["read"])[0].id

    @property
    def _somebody(self) -> str:
        with self._database.write() as session:
            return accounts.add_user(session, f"Somebody {uuid4().hex}", "seller").id

    @property
    def _batch(self) -> str:
        batch = Batch(owner_id=self._seller.id)
        with self._database.write() as session:
            session.add(batch)
        return batch.id

    @cached_property
    def _webhook(self) -> tuple[str, str]:
        """A webhook and a message of it."""
        url = f"https://example.org/{uuid4().hex}"
        with self._database.write() as session:
            endpoint, _ = endpoints.add(session, self._walk.settings, self._seller.id, url, ["job.failed"])
            return endpoint.id, replaying.test(session, endpoint).id


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
