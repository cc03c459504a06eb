"""Hosts, proxies, headers, and what may be kept by whom."""

from __future__ import annotations

import dataclasses

import pytest
from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.database import Database
from shared.settings import Environment, Settings
from shared.tables import User
from tests.factories import add_photo
from tests.web.conftest import Api, MakeApp
from web.browsers import browser_in_words

HTML = {"Accept": "text/html"}


@pytest.fixture
def production(settings: Settings) -> Settings:
    """As behind one proxy with TLS."""
    hosts = ("shop.example", "localhost")
    return dataclasses.replace(settings, env=Environment.PRODUCTION, trusted_hosts=hosts, proxy_hops=1)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:8000", "[::2]", "[::1].evil.example"]
)
@pytest.mark.parametrize("path", ["/sign-in", "/api/v1/jobs", "/healthz", "/no/such/page"])
def test_a_host_that_is_not_ours_gets_nothing(client: FlaskClient, host: str, path: str) -> None:
    response = client.get(path, headers={"Host": host, **HTML})
    assert response.status_code == 400
    assert "evil" not in response.text
    assert "Set-Cookie" not in response.headers


def test_whoever_runs_it_is_told_what_to_do_about_a_host(client: FlaskClient) -> None:
    response = client.get("/api/v1/jobs", headers={"Host": "shop.example"})
    assert response.json["code"] == "host_not_trusted"
    assert "HANGTAG_TRUSTED_HOSTS" in response.json["detail"]


@pytest.mark.parametrize("host", ["shop.example@evil.example", "a b", "evil.example/x", "[::1"])
def test_what_is_no_host_at_all_is_refused(client: FlaskClient, host: str) -> None:
    assert client.get("/sign-in", headers={"Host": host, **HTML}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_this_machine_itself_is_always_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_without_a_proxy_nobody_can_name_another_host_or_address(client: FlaskClient) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}
    response = client.get("/api/docs", headers={**forged, **HTML})
    assert response.status_code == 200
    assert "evil.example" not in response.text
    assert "https://localhost" not in response.text


def test_behind_a_proxy_its_word_counts_and_not_that_of_those_before_it(
    make_app: MakeApp, production: Settings
) -> None:
    client = make_app(production).test_client()
    said = {"X-Forwarded-Host": "evil.example, shop.example", "X-Forwarded-Proto": "https"}
    assert "https://shop.example" in client.get("/api/docs", headers={**said, **HTML}).text
    forged = {"X-Forwarded-Host": "evil.example"}
    assert client.get("/api/docs", headers={**forged, **HTML}).status_code == 400


def test_every_answer_carries_the_headers(client: FlaskClient) -> None:
    for path in ("/sign-in", "/api/v1/jobs", "/healthz", "/static/css/base.css", "/nothing"):
        with client.get(path, headers=HTML) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "camera=()" in response.headers["Permissions-Policy"]
            assert response.headers["X-Request-ID"]
            assert "Strict-Transport-Security" not in response.headers, "there is no TLS in development"


def test_production_asks_for_tls_and_sets_cookies_for_it_alone(
    make_app: MakeApp, production: Settings
) -> None:
    client = make_app(production).test_client()
    secure = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example", **HTML}
    response = client.get("/sign-in", headers=secure)
    assert response.headers["Strict-Transport-Security"] == "max-age=63072000"
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-hangtag=")
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie


def test_private_pages_and_answers_are_kept_by_nobody(
    signed_in: FlaskClient, as_admin: Api, client: FlaskClient
) -> None:
    for path in ("/sell", "/account", "/jobs", "/"):
        assert signed_in.get(path).headers["Cache-Control"] == "no-store"
    for path in ("/api/v1/users", "/api/v1/keys", "/api/v1/audit-events", "/api/v1/queues"):
        assert as_admin("GET", path).headers["Cache-Control"] == "no-store"
    assert client.get("/api/v1/jobs").headers["Cache-Control"] == "no-store", "nor are refusals"


def test_what_is_polled_is_asked_about_each_time_and_kept_by_no_one_between(
    as_seller: Api, database: Database, blobs: BlobStore, seller: User
) -> None:
    assert as_seller("GET", "/api/v1/jobs").headers.get_all("Cache-Control") == ["private, no-cache"]
    photo = add_photo(database, blobs, seller)
    kept = as_seller("GET", f"/api/v1/photos/{photo.id}").headers["Cache-Control"]
    assert kept.startswith("private, ")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1", "Safari on an iPhone"),
        ("curl/8.5", "Another browser"),
        ("", "Another browser"),
    ],
)
def test_browsers_are_named_in_plain_words(header: str, words: str) -> None:
    assert browser_in_words(header) == words
