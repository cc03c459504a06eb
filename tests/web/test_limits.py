"""Rates and quotas as clients meet them, with Redis and without."""

from __future__ import annotations

import dataclasses
import io
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from werkzeug.test import TestResponse

from shared import accounts
from shared.database import Database
from shared.jobs.states import JobKind
from shared.settings import Settings
from shared.tables import User
from tests.factories import add_failures, add_key, picture
from tests.redis_server import redis_server
from tests.web.conftest import Api, MakeApp, sign_in
from tests.web.pages.forms import post_form
from web import limits

# A window of a minute may end between two requests of a test; then twice as many go through, and no more.
WINDOWS = 2


def refused(statuses: list[int]) -> bool:
    return 429 in statuses


@pytest.fixture
def strict(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with which limits are met at once. Each test has people, and so counts, of its own.

    All requests are counted in Redis: one that is late on a busy machine is waited for.
    """
    monkeypatch.setattr(limits, "REDIS_OPTIONS", dict.fromkeys(limits.REDIS_OPTIONS, 20.0))
    return dataclasses.replace(settings, rate_reads=6, rate_writes=4, rate_anonymous=4)


def test_a_person_who_is_too_fast_is_told_when_to_go_on(
    make_app: MakeApp, strict: Settings, database: Database, seller: User
) -> None:
    api = Api(make_app(strict).test_client(), add_key(database, seller, "read"))
    answers = [api("GET", "/api/v1/jobs") for _ in range(WINDOWS * 3 + 1)]
    (refusal, *_) = [answer for answer in answers if answer.status_code == 429]
    assert refusal.json["code"] == "rate_limited"
    assert "3 requests a minute" in refusal.json["detail"]
    assert 1 <= int(refusal.headers["Retry-After"]) <= 60


def test_another_key_is_no_way_around_and_other_people_are_not_held_up(
    make_app: MakeApp, strict: Settings, database: Database, seller: User, admin: User
) -> None:
    app = make_app(strict)
    keys = [Api(app.test_client(), add_key(database, seller, "read")) for _ in range(WINDOWS * 6 + 1)]
    assert refused([key("GET", "/api/v1/jobs").status_code for key in keys])
    other = Api(app.test_client(), add_key(database, admin, "read"))
    assert other("GET", "/api/v1/jobs").status_code == 200


def test_a_program_that_runs_wild_leaves_its_owner_room(
    make_app: MakeApp, settings: Settings, database: Database, seller: User
) -> None:
    app = make_app(dataclasses.replace(settings, rate_reads=40))
    api = Api(app.test_client(), add_key(database, seller, "read"))
    assert refused([api("GET", "/api/v1/jobs").status_code for _ in range(WINDOWS * 20 + 1)])
    assert sign_in(app.test_client(), database, seller).get("/account").status_code == 200


def test_all_web_processes_count_together(
    make_app: MakeApp, strict: Settings, database: Database, seller: User
) -> None:
    key = add_key(database, seller, "read")
    statuses = [Api(make_app(strict).test_client(), key)("GET", "/api/v1/jobs").status_code for _ in range(7)]
    assert refused(statuses)


def test_strangers_are_counted_by_address(make_app: MakeApp, strict: Settings, database: Database) -> None:
    client = make_app(strict).test_client()
    address = {"REMOTE_ADDR": f"2001:db8::{os.urandom(2).hex()}"}
    wrong = {"Authorization": "Bearer htk_wrong"}
    statuses = [
        client.get("/api/v1/jobs", headers=wrong, environ_overrides=address).status_code for _ in range(9)
    ]
    assert set(statuses) == {401, 429}


def test_static_files_and_monitoring_are_never_held_up(make_app: MakeApp, strict: Settings) -> None:
    client = make_app(strict).test_client()
    for path in ("/static/css/base.css", "/healthz"):
        for _ in range(10):
            with client.get(path) as response:
                assert response.status_code == 200


def test_a_page_says_it_in_words(
    make_app: MakeApp, strict: Settings, database: Database, seller: User
) -> None:
    browser = sign_in(make_app(strict).test_client(), database, seller)
    answers = [browser.get("/sell", headers={"Accept": "text/html"}) for _ in range(WINDOWS * 6 + 1)]
    (refusal, *_) = [answer for answer in answers if answer.status_code == 429]
    assert "A little too fast" in refusal.text
    assert "Please wait" in refusal.text


def test_an_upload_beyond_a_quota_is_refused_and_leaves_nothing(
    make_app: MakeApp, settings: Settings, database: Database, seller: User
) -> None:
    one_a_day = dataclasses.replace(settings, quota_photos_per_day=1)
    api = Api(make_app(one_a_day).test_client(), add_key(database, seller, "classify", "read"))
    assert upload(api, 1).status_code == 202
    refusal = upload(api, 2)
    assert (refusal.status_code, refusal.json["code"]) == (429, "quota_exceeded")
    assert int(refusal.headers["Retry-After"]) > 0
    assert len(api("GET", "/api/v1/jobs").json["jobs"]) == 1


def test_a_photo_sent_again_and_listings_have_quotas_too(
    make_app: MakeApp, settings: Settings, database: Database, seller: User
) -> None:
    tight = dataclasses.replace(settings, quota_photos_per_day=3, quota_listings_per_day=1)
    app = make_app(tight)
    api = Api(app.test_client(), add_key(database, seller, "classify", "read"))
    assert [upload(api, 1).status_code for _ in range(2)] == [202, 202]
    files = {"photo": [(io.BytesIO(b"no picture"), f"{number}.jpg") for number in range(4)]}
    form = {"data": files, "content_type": "multipart/form-data"}
    assert api("POST", "/api/v1/batches", **form).json["code"] == "quota_exceeded"
    assert upload(api, 1).status_code == 202
    assert upload(api, 1).json["code"] == "quota_exceeded"
    first = api("POST", "/api/v1/listings", json={})
    assert first.status_code == 201
    assert api("DELETE", f"/api/v1/listings/{first.json['id']}").status_code == 204
    refusal = api("POST", "/api/v1/listings", json={})
    assert (refusal.status_code, refusal.json["code"]) == (429, "quota_exceeded")
    assert 0 < int(refusal.headers["Retry-After"]) <= 86_400


def test_a_training_that_is_tried_again_counts_like_a_new_one(
    make_app: MakeApp, settings: Settings, database: Database, admin: User
) -> None:
    app = make_app(dataclasses.replace(settings, quota_trainings=1))
    api = Api(app.test_client(), add_key(database, admin, *accounts.SCOPES))
    failed = add_failures(database, 2, kind=JobKind.TRAIN, owner_id=admin.id)
    first = api("POST", f"/api/v1/jobs/{failed[0].id}/retry")
    assert first.status_code == 202
    assert api("POST", f"/api/v1/jobs/{failed[0].id}/retry").json == first.json  # the same one, no second
    refusal = api("POST", f"/api/v1/jobs/{failed[1].id}/retry")
    assert (refusal.status_code, refusal.json["code"]) == (409, "training_quota_exceeded")
    assert api("GET", f"/api/v1/jobs/{failed[1].id}").json["state"] == "failed"
    assert len(api("GET", "/api/v1/jobs?kind=train&state=queued").json["jobs"]) == 1
    browser = sign_in(app.test_client(), database, admin)
    page = post_form(browser, f"/jobs/{failed[1].id}/retry")
    assert page.status_code == 409


@pytest.fixture
def own_redis(short_tmp: Path) -> Iterator[tuple[str, int]]:
    """A Redis that a test may freeze, and the id of its process."""
    with redis_server(short_tmp / f"f{os.urandom(3).hex()}") as url:
        with redis.Redis.from_url(url.replace("redis+socket:", "unix:"), socket_timeout=60) as client:
            process_id = int(client.info("server")["process_id"])
        yield url, process_id
        os.kill(process_id, signal.SIGCONT)


def test_uploads_go_on_while_redis_is_frozen_and_are_counted_still(
    make_app: MakeApp,
    settings: Settings,
    database: Database,
    seller: User,
    own_redis: tuple[str, int],
) -> None:
    url, process_id = own_redis
    app = make_app(dataclasses.replace(settings, redis_url=url, rate_writes=6))
    api = Api(app.test_client(), add_key(database, seller, "classify", "read"))
    assert upload(api, 1).status_code == 202
    os.kill(process_id, signal.SIGSTOP)
    assert upload(api, 2).status_code == 202
    assert refused([upload(api, 2).status_code for _ in range(WINDOWS * 3)])


def test_uploads_that_notice_together_that_redis_is_frozen_all_go_on(
    make_app: MakeApp,
    settings: Settings,
    database: Database,
    seller: User,
    own_redis: tuple[str, int],
) -> None:
    url, process_id = own_redis
    app = make_app(dataclasses.replace(settings, redis_url=url))
    key = add_key(database, seller, "classify", "read")
    assert upload(Api(app.test_client(), key), 1).status_code == 202
    os.kill(process_id, signal.SIGSTOP)
    together = threading.Barrier(4)

    def send(number: int) -> int:
        together.wait(10)
        return upload(Api(app.test_client(), key), number).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(send, range(2, 6))) == [202] * 4


def upload(api: Api, seed: int) -> TestResponse:
    photo = {"photo": (io.BytesIO(picture(seed)), "a.jpg")}
    return api("POST", "/api/v1/classifications", data=photo, content_type="multipart/form-data")
