"""The overview: what needs somebody, and numbers that lead to as many rows."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from shared.blobs import BlobStore
from shared.clock import utc_now
from shared.database import Database
from shared.jobs import store
from shared.jobs.states import JobKind, JobState, Split
from shared.listings import store as listings
from shared.overview import hours
from shared.tables import Example, Job, ModelVersion, User, WorkerHeartbeat
from tests.factories import (
    add_answer,
    add_answered,
    add_champion,
    add_failures,
    add_job,
    add_listing,
    add_photo,
    add_user,
    add_version,
)
from tests.web.conftest import Api, sign_in
from tests.web.test_query_counts import counted
from web import overview
from web.services import EXTENSION

COUNT = re.compile(r'<a class="count" href="([^"]+)">([\d,]+)')
ROW = re.compile(r'<tr role="row" id="job-|<li class="listing-card">')
NEXT = re.compile(r'rel="next" href="([^"]+)"')


def add_workers(
    database: Database, *names: str, silent: timedelta = timedelta(), age: timedelta = timedelta()
) -> None:
    """Workers that started `age` ago and were last heard of `silent` ago."""
    now = utc_now()
    with database.write() as session:
        for name in names:
            kind, engine = name.partition("@")[0], "openvino" if name.startswith("predict") else None
            session.add(
                WorkerHeartbeat(
                    name=name,
                    kind=kind,
                    engine=engine,
                    resident_bytes=1,
                    started_at=now - age,
                    seen_at=now - silent,
                )
            )


@pytest.fixture
def champion(database: Database, blobs: BlobStore) -> ModelVersion:
    """A version that answers, and all workers that there should be."""
    add_workers(database, "predict@a", "train@a", "maintain@a")
    return add_champion(database, blobs)


def matters(as_admin: Api) -> dict[str, tuple[str, str, int | None]]:
    """What needs somebody, by code."""
    found = as_admin("GET", "/api/v1/overview").json["matters"]
    return {matter["code"]: (matter["level"], matter["text"], matter["count"]) for matter in found}


def rows(client: FlaskClient, address: str) -> int:
    """How many rows a list has, on all its pages."""
    page = client.get(unescape(address)).text
    following = NEXT.search(page)
    return len(ROW.findall(page)) + (rows(client, following.group(1)) if following else 0)


def decide(database: Database, blobs: BlobStore, seller: User, version: ModelVersion, *answers: str) -> None:
    """Listings for which a hat was suggested, and what their seller chose."""
    for seed, answer in enumerate(answers):
        photo = add_photo(database, blobs, seller, seed)
        add_answer(database, photo, version, hat=0.9, shirt=0.1)
        listing = add_listing(database, seller, photo)
        with database.write() as session:
            listings.choose(session, listings.find(session, listing.id, change=True), seller.id, answer)


@pytest.fixture
def busy(database: Database, blobs: BlobStore, champion: ModelVersion, seller: User) -> Database:
    """Everything that can be counted, in more rows than a page of a list has."""
    for number in range(53):
        add_answered(
            database,
            "shirt" if number % 3 else "hat",
            decision="ask" if number % 5 == 0 else "suggest",
            version=1 + number % 2,
            ended=utc_now() - number * timedelta(minutes=20),
        )
    add_answered(database, ended=utc_now() - timedelta(days=4))
    add_failures(database, 3)
    add_failures(database, 2, "worker_crashed", state=JobState.QUARANTINED)
    add_failures(database, 1, kind=JobKind.REPORT, code="dataset_gone")
    for _ in range(4):
        add_job(database)
    decide(database, blobs, seller, champion, "hat", "hat", "shirt")
    return database


@pytest.mark.parametrize("window", ["24h", "7d"])
def test_every_number_leads_to_as_many_rows(
    busy: Database, admin_signed_in: FlaskClient, window: str
) -> None:
    hours.keep(busy)
    page = admin_signed_in.get(f"/home?window={window}").text
    found = [(address, int(text.replace(",", ""))) for address, text in COUNT.findall(page)]
    assert len(found) > 15
    counted = {address: rows(admin_signed_in, address) for address, _ in found}
    assert counted == dict(found)


def test_what_needs_somebody_leads_to_as_many_rows(
    busy: Database, as_admin: Api, admin_signed_in: FlaskClient
) -> None:
    found = as_admin("GET", "/api/v1/overview").json["matters"]
    counts = {matter["page"]: matter["count"] for matter in found if matter["count"] is not None}
    assert sorted(counts.values()) == [1, 2, 3]
    assert {address: rows(admin_signed_in, address) for address in counts} == counts


def test_page_and_api_tell_the_same(busy: Database, as_admin: Api, admin_signed_in: FlaskClient) -> None:
    found = as_admin("GET", "/api/v1/overview?window=7d").json
    page = unescape(admin_signed_in.get("/home?window=7d").text)
    total = found["done"]["total"]
    assert (total["answered"], total["failed"], total["quarantined"]) == (54, 3, 2)
    assert total["median_seconds"] == pytest.approx(1, rel=0.1)
    hat = next(row for row in found["done"]["categories"] if row["category"] == "hat")
    assert (hat["decided"], hat["corrected"]) == (3, 1)
    assert ">54</a>" in page
    assert "11 of 54 answers asked" in page
    assert "1 of 3 decided listings" in page
    for matter in found["matters"]:
        assert matter["text"] in page


@pytest.mark.usefixtures("champion")
def test_where_nothing_needs_anybody_all_is_well_and_an_empty_window_says_what_to_do(
    as_admin: Api, admin_signed_in: FlaskClient
) -> None:
    assert matters(as_admin) == {}
    page = admin_signed_in.get("/home").text
    assert "All is well" in page
    assert "No photo was answered in the last 24 hours." in page


def test_without_champion_and_workers_it_says_what_is_broken(database: Database, as_admin: Api) -> None:
    add_job(database, JobKind.TRAIN)
    found = matters(as_admin)
    assert found["champion_not_ready"][0] == "bad"
    assert found["workers_not_ready"][0] == "bad"
    assert found["nobody_works"] == ("bad", "1 training with no worker to do the work.", None)
    assert "no_upkeep" in found


@pytest.mark.usefixtures("champion")
def test_a_silent_worker_and_a_long_wait_need_a_look(
    database: Database, as_admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_workers(database, "predict@b", silent=timedelta(minutes=3))
    job = add_job(database)
    now = utc_now()
    with database.write() as session:
        earlier = now - timedelta(minutes=20)
        session.execute(update(Job).where(Job.id == job.id).values(created_at=earlier))
    monkeypatch.setattr(overview, "utc_now", lambda: now)  # on a slow machine it would be a second more
    found = matters(as_admin)
    assert found["worker_silent"][1] == "Not heard of for longer than 30 s: predict@b."
    assert found["long_wait"] == ("warn", "1 photo waiting, the oldest for 20 min.", 1)


@pytest.mark.usefixtures("champion")
def test_a_worker_that_was_killed_is_not_missed_once_another_has_taken_its_place(
    database: Database, as_admin: Api
) -> None:
    silent = timedelta(minutes=3)
    add_workers(database, "predict@b:1", silent=silent, age=2 * silent)
    add_workers(database, "predict@b:2", age=2 * silent)  # works beside it, and did before
    add_workers(database, "predict@c:3", "train@b:4")  # elsewhere, or something else
    assert matters(as_admin)["worker_silent"][1] == "Not heard of for longer than 30 s: predict@b:1."
    add_workers(database, "predict@b:5")
    assert matters(as_admin) == {}


@pytest.mark.usefixtures("champion")
def test_a_worker_that_fell_back_to_a_slower_engine_needs_a_look(database: Database, as_admin: Api) -> None:
    refused = "OpenVINO was refused: its answers differ."
    with database.write() as session:
        worker = session.get_one(WorkerHeartbeat, "predict@a")
        worker.engine, worker.device, worker.note = "keras", "CPU", refused
    found = matters(as_admin)
    text = f"predict@a answers with the slower Keras on a CPU. {refused}"
    assert found == {"slow_engine": ("warn", text, None)}
    with database.write() as session:
        session.get_one(WorkerHeartbeat, "predict@a").device = "GPU 0"
    assert matters(as_admin) == {}


def test_a_category_is_said_to_differ_only_beyond_chance(
    database: Database, blobs: BlobStore, admin_signed_in: FlaskClient
) -> None:
    add_champion(database, blobs, lineage={"dataset_counts": {"train": {"hat": 10, "shirt": 30}}})
    for name in ("hat", "hat", "shirt"):  # two thirds instead of a quarter, of three
        add_answered(database, name)
    few = admin_signed_in.get("/home").text
    assert "differs</span>" not in few
    assert "away from the photos" not in few
    for _ in range(7):
        add_answered(database, "hat")
    assert "differs</span>" in admin_signed_in.get("/home").text


def test_new_labels_ask_for_a_retraining(database: Database, champion: ModelVersion, as_admin: Api) -> None:
    labels = [("0", Split.TRAIN), ("1", Split.VALIDATION), ("2", Split.TEST)]
    with database.write() as session:
        session.execute(
            insert(Example),
            [
                {"digest": digit * 64, "label": "hat", "split": split, "source": "review:1"}
                for digit, split in labels
            ],
        )
    text = "1 new label that no version has learned from: retrain?"  # the others measure
    assert matters(as_admin)["new_labels"] == ("decide", text, None)


def test_a_version_that_passes_the_gate_asks_to_be_promoted_once(
    database: Database, blobs: BlobStore, champion: ModelVersion, as_admin: Api
) -> None:
    add_version(database, blobs, seed=1)
    text = "Version 2 passes the gate: let it take the place of version 1?"
    assert matters(as_admin)["challenger"] == ("decide", text, None)
    add_version(database, blobs, seed=2, metrics={"validation": {}})
    assert "Version 2" in matters(as_admin)["challenger"][1]
    promote = {"version": 2, "reason": "Better."}
    as_admin("PUT", "/api/v1/aliases/champion", json=promote)
    as_admin("POST", "/api/v1/aliases/champion/rollback", json={"reason": "Worse."})
    assert "challenger" not in matters(as_admin)


@pytest.mark.usefixtures("champion")
def test_what_runs_is_there_with_its_progress(
    database: Database, admin: User, admin_signed_in: FlaskClient
) -> None:
    job = add_job(database, JobKind.TRAIN, owner_id=admin.id)
    with database.write() as session:
        store.claim(session, JobKind.TRAIN, "train@a", 1, job.id)
        store.renew(session, job.id, 1, store.Progress("training", 3, 8))
    page = admin_signed_in.get("/home").text
    assert f'/jobs/{job.id}"' in page
    assert "Training, 3 of 8" in page


def test_the_overview_costs_as_many_queries_whatever_there_is(
    busy: Database, app: APIFlask, admin_signed_in: FlaskClient
) -> None:
    def queries() -> list[str]:
        with counted(app.extensions[EXTENSION].database.engine) as sent:
            assert admin_signed_in.get("/home?window=30d").status_code == 200
        return sent

    few = queries()
    for number in range(40):
        add_answered(busy, f"kind {number}", version=number)
        add_failures(busy, code=f"code_{number}")
    assert len(queries()) == len(few) <= 30


def test_a_window_that_is_none_is_refused(as_admin: Api, admin_signed_in: FlaskClient) -> None:
    assert as_admin("GET", "/api/v1/overview?window=1y").status_code == 422
    assert admin_signed_in.get("/home?window=1y", headers={"Accept": "text/html"}).status_code == 404


def test_filters_by_end_and_answer_work_through_the_api_too(busy: Database, as_admin: Api) -> None:
    since = (utc_now() - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    filters = {
        "ended_from": since,
        "category": "hat",
        "decision": "ask",
        "model_version": 1,
        "kind": "classify",
    }
    (job,) = as_admin("GET", "/api/v1/jobs", query_string=filters).json["jobs"]
    assert job["result"] == {**job["result"], "category": "hat", "decision": "ask", "model_version": 1}
    assert as_admin("GET", "/api/v1/jobs", query_string={"ended_from": "yesterday"}).status_code == 422
    early = {"ended_from": "0001-01-01T00:00:00+14:00"}
    assert as_admin("GET", "/api/v1/jobs", query_string=early).status_code == 422


@pytest.mark.parametrize("address", ["/jobs?ended_from=yesterday", "/listings?chosen_from=2026-11-24"])
def test_a_moment_in_an_address_that_is_none_is_a_page_that_says_so(
    admin_signed_in: FlaskClient, address: str
) -> None:
    answer = admin_signed_in.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_only_administrators_list_everybodys_listings(
    busy: Database, admin_signed_in: FlaskClient, app: APIFlask, database: Database
) -> None:
    other = sign_in(app.test_client(), database, add_user(database, "Rita", "reviewer"))
    assert rows(admin_signed_in, "/listings?whose=everybody") == 3
    assert rows(admin_signed_in, "/listings") == 0
    assert rows(other, "/listings?whose=everybody") == 0
    lines = admin_signed_in.get("/listings/export/jsonl?whose=everybody&suggested=hat").text.splitlines()
    assert [json.loads(line)["suggested"] for line in lines] == ["hat"] * 3


def test_administrators_begin_with_it_and_others_do_not(
    admin_signed_in: FlaskClient, signed_in: FlaskClient
) -> None:
    assert admin_signed_in.get("/").location == "/home"
    assert signed_in.get("/").location == "/sell"
    assert "/home" not in signed_in.get("/sell").text
