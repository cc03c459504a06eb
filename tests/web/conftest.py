"""The web application with its real database and Redis; no worker is needed to see what it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import accounts
from shared.database import Database
from shared.settings import Settings
from shared.tables import User
from tests.factories import add_key, add_user
from web import checks
from web.app import create_app
from web.services import EXTENSION

MakeApp = Callable[[Settings], APIFlask]


@pytest.fixture(autouse=True)
def _redis_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that a busy machine holds up for a second is not away."""
    monkeypatch.setattr(checks, "BROKER_SECONDS", 30.0)


@pytest.fixture
def make_app() -> Iterator[MakeApp]:
    """Builds applications and closes their databases at the end."""
    built: list[APIFlask] = []

    def make(settings: Settings) -> APIFlask:
        built.append(create_app(settings))
        return built[-1]

    yield make
    for app in built:
        app.extensions[EXTENSION].close()


@pytest.fixture
def app(make_app: MakeApp, settings: Settings) -> APIFlask:
    """The application as gunicorn runs it."""
    return make_app(settings)


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """A browser or program that nobody knows."""
    return app.test_client()


@pytest.fixture
def seller(database: Database) -> User:
    """Somebody who sells."""
    return add_user(database, "Sam", "seller")


@pytest.fixture
def admin(database: Database) -> User:
    """Somebody who runs the place."""
    return add_user(database, "Ada", "admin")


@dataclass(frozen=True, slots=True)
class Api:
    """A program with an API key."""

    client: FlaskClient
    key: str

    def __call__(self, method: str, path: str, **options: object) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}  # type: ignore[dict-item]
        return self.client.open(path, method=method, headers=headers, **options)  # type: ignore[arg-type]


@pytest.fixture
def as_seller(app: APIFlask, database: Database, seller: User) -> Api:
    """A program with the seller's key."""
    return Api(app.test_client(), add_key(database, seller, "classify", "read"))


@pytest.fixture
def as_admin(app: APIFlask, database: Database, admin: User) -> Api:
    """A program with the administrator's key."""
    return Api(app.test_client(), add_key(database, admin, *accounts.SCOPES))


def sign_in(client: FlaskClient, database: Database, user: User) -> FlaskClient:
    """Give a browser this person's session."""
    with database.write() as session:
        token = accounts.open_session(session, user.id)
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return client


@pytest.fixture
def signed_in(app: APIFlask, database: Database, seller: User) -> FlaskClient:
    """The seller's browser."""
    return sign_in(app.test_client(), database, seller)


@pytest.fixture
def admin_signed_in(app: APIFlask, database: Database, admin: User) -> FlaskClient:
    """The administrator's browser."""
    return sign_in(app.test_client(), database, admin)
