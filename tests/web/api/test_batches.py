"""Many photos in one request."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import event, func, select

from shared.blobs import BlobStore, photo_key
from shared.database import Database
from shared.errors import PhotoCorruptError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.photos import predictions
from shared.settings import Settings
from shared.tables import Batch, BatchItem, Job, Photo
from tests.archives import UNSAFE, archive
from tests.factories import add_champion, add_key, add_user, picture
from tests.web.conftest import Api, MakeApp
from web.request_sizes import MAX_LARGE, MAX_WRITES_PER_PERSON
from web.services import EXTENSION

ANSWER = {"category": "hat", "confidence": 0.9, "decision": "suggest", "top": []}


def photos(files: Mapping[str, bytes]) -> dict[str, object]:
    parts = [(io.BytesIO(data), name) for name, data in files.items()]
    return {"data": {"photo": parts}, "content_type": "multipart/form-data"}


def zipped(data: bytes) -> dict[str, object]:
    return {"data": {"archive": (io.BytesIO(data), "photos.zip")}, "content_type": "multipart/form-data"}


def send(api: Api, files: Mapping[str, bytes], **options: object) -> Any:
    response = api("POST", "/api/v1/batches", **photos(files), **options)
    assert response.status_code == 202, response.json
    return response.json


def rows(database: Database) -> list[int]:
    with database.read() as session:
        return [
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Batch, BatchItem, Job, Photo)
        ]


def answer_all(database: Database) -> None:
    with database.write() as session:
        for job in store.claim(session, JobKind.CLASSIFY, "w", 1000):
            store.succeed(
                session, job.id, job.attempt, {**ANSWER, "photo_id": job.photo_id, "model_version": 1}
            )


@pytest.mark.parametrize("kind", ["photos", "zip"])
def test_every_photo_of_a_batch_is_stored_and_queued_before_the_answer(
    as_seller: Api, database: Database, blobs: BlobStore, kind: str
) -> None:
    files = {f"{seed}.jpg": picture(seed) for seed in range(4)}
    sent = photos(files) if kind == "photos" else zipped(archive(files))
    response = as_seller("POST", "/api/v1/batches", **sent)
    assert response.status_code == 202
    body = response.json
    assert response.headers["Location"] == f"/api/v1/batches/{body['batch']['id']}"
    assert body["batch"]["counts"] == {"queued": 4}
    assert [item["name"] for item in body["items"]] == list(files)
    for item in body["items"]:
        assert as_seller("GET", f"/api/v1/jobs/{item['job_id']}").json["state"] == "queued"
        assert as_seller("GET", f"/api/v1/photos/{item['photo_id']}").status_code == 200
    assert rows(database) == [1, 4, 4, 4]


def test_a_bad_file_is_refused_alone_with_its_reason(as_seller: Api, database: Database) -> None:
    body = send(as_seller, {"good.jpg": picture(1), "text.jpg": b"no picture", "empty.jpg": b""})
    good, text, empty = body["items"]
    assert (good["state"], good["error"]) == ("queued", None)
    assert (text["state"], text["error"]["code"]) == ("refused", "unsupported_media_type")
    assert (empty["state"], empty["error"]["code"]) == ("refused", "image_empty")
    assert text["error"]["message"].endswith(".")
    assert text["job_id"] is None
    assert body["batch"]["counts"] == {"queued": 1, "refused": 2}
    assert rows(database) == [1, 3, 1, 1]


def test_the_outcome_follows_the_jobs_and_ends(as_seller: Api, database: Database) -> None:
    sent = send(as_seller, {"a.jpg": picture(1), "b.jpg": picture(2)})
    address = f"/api/v1/batches/{sent['batch']['id']}"
    assert sent["batch"]["finished"] is False
    answer_all(database)
    found = as_seller("GET", address)
    assert found.json["batch"]["finished"] is True
    assert found.json["batch"]["counts"] == {"succeeded": 2}
    assert found.json["items"][0]["result"]["category"] == "hat"
    again = as_seller("GET", address, headers={"If-None-Match": found.headers["ETag"]})
    assert again.status_code == 304


def test_a_photo_that_is_tried_again_counts_with_its_new_job(as_seller: Api, database: Database) -> None:
    sent = send(as_seller, {"a.jpg": picture(1)})
    job_id = sent["items"][0]["job_id"]
    with database.write() as session:
        (job,) = store.claim(session, JobKind.CLASSIFY, "w", 1)
        store.fail(session, job.id, job.attempt, PhotoCorruptError())
    again = as_seller("POST", f"/api/v1/jobs/{job_id}/retry").json["job"]
    found = as_seller("GET", f"/api/v1/batches/{sent['batch']['id']}").json
    assert found["items"][0]["job_id"] == again["id"]
    assert found["batch"]["counts"] == {"queued": 1}


def test_the_same_photo_twice_in_a_batch_is_asked_once(as_seller: Api, database: Database) -> None:
    body = send(as_seller, {"a.jpg": picture(1), "copy.jpg": picture(1)})
    first, copy = body["items"]
    assert first["job_id"] == copy["job_id"]
    assert rows(database) == [1, 2, 1, 1]


def test_what_the_champion_has_answered_is_answered_at_once(
    as_seller: Api, database: Database, blobs: BlobStore
) -> None:
    version = add_champion(database, blobs)
    first = send(as_seller, {"a.jpg": picture(1)})
    with database.write() as session:
        predictions.remember(session, str(first["items"][0]["photo_id"]), version.number, "openvino", ANSWER)
    second = send(as_seller, {"a.jpg": picture(1), "b.jpg": picture(2)})
    assert [item["state"] for item in second["items"]] == ["succeeded", "queued"]


def test_the_number_of_queries_does_not_grow_with_the_batch(
    make_app: MakeApp, settings: Settings, database: Database
) -> None:
    app = make_app(settings)
    api = Api(app.test_client(), add_key(database, add_user(database), "classify", "read"))
    counted: list[str] = []
    engine = app.extensions[EXTENSION].database.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: counted.append(statement))

    def queries(seeds: range) -> int:
        counted.clear()
        send(api, {f"{seed}.jpg": picture(seed) for seed in seeds})
        return len(counted)

    queries(range(1))  # the first request also notes the use of the key
    assert queries(range(1, 3)) == queries(range(3, 43))


def test_the_same_key_and_files_are_one_batch(as_seller: Api, database: Database) -> None:
    key = {"Idempotency-Key": "batch-1"}
    files = {"a.jpg": picture(1), "b.jpg": picture(2)}
    first = send(as_seller, files, headers=key)
    again = as_seller("POST", "/api/v1/batches", headers=key, **photos(files))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json["batch"]["id"] == first["batch"]["id"]
    assert rows(database) == [1, 2, 2, 2]
    other = as_seller("POST", "/api/v1/batches", headers=key, **photos({"a.jpg": picture(3)}))
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_somebody_elses_batch_answers_like_an_unknown_one(
    as_seller: Api, app: object, database: Database
) -> None:
    mine = send(as_seller, {"a.jpg": picture(1)})["batch"]["id"]
    other = Api(as_seller.client, add_key(database, add_user(database, "Eve"), "classify", "read"))
    for path in ("/api/v1/batches/{}", "/api/v1/batches/{}/results"):
        theirs = other("GET", path.format(mine))
        nobodys = other("GET", path.format("01a00000-0000-7000-8000-000000000000"))
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json["detail"] == nobodys.json["detail"]
    assert other("GET", "/api/v1/batches").json["batches"] == []


def test_batches_are_listed_newest_first_in_pages(as_seller: Api) -> None:
    ids = [send(as_seller, {"a.jpg": picture(seed)})["batch"]["id"] for seed in range(3)]
    first = as_seller("GET", "/api/v1/batches?limit=2")
    assert [batch["id"] for batch in first.json["batches"]] == ids[:0:-1]
    assert 'rel="next"' in first.headers["Link"]
    second = as_seller("GET", f"/api/v1/batches?limit=2&cursor={first.json['next_cursor']}")
    assert [batch["id"] for batch in second.json["batches"]] == ids[:1]
    assert second.json["batches"][0]["counts"] == {"queued": 1}


def test_results_are_json_lines(as_seller: Api, database: Database) -> None:
    sent = send(as_seller, {"a.jpg": picture(1), "text.jpg": b"no"})
    answer_all(database)
    response = as_seller("GET", f"/api/v1/batches/{sent['batch']['id']}/results")
    assert response.content_type.startswith("application/jsonl")
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [(line["name"], line["category"]) for line in lines] == [("a.jpg", "hat"), ("text.jpg", None)]
    assert lines[1]["error_code"] == "unsupported_media_type"


def test_results_as_csv_hold_no_formulas(as_seller: Api) -> None:
    names = ['=cmd|"/c calc"!A1.jpg', "+1.jpg", "-1.jpg", "@sum.jpg", "plain.jpg"]
    sent = send(as_seller, dict.fromkeys(names, b"no picture"))
    address = f"/api/v1/batches/{sent['batch']['id']}/results"
    response = as_seller("GET", address, headers={"Accept": "text/csv"})
    assert response.content_type.startswith("text/csv")
    assert "attachment" in response.headers["Content-Disposition"]
    cells = [row["name"] for row in csv.DictReader(io.StringIO(response.text))]
    assert not [cell for cell in cells if cell[0] in "=+-@"]
    assert cells[-1] == "plain.jpg"


def test_photos_of_the_same_name_are_told_apart_by_their_folders(as_seller: Api) -> None:
    names = ["shoes/IMG_1.jpg", "hats/IMG_1.jpg"]
    response = as_seller("POST", "/api/v1/batches", **zipped(archive(dict.fromkeys(names, picture(1)))))
    assert [item["name"] for item in response.json["items"]] == names
    address = f"/api/v1/batches/{response.json['batch']['id']}/results"
    lines = [json.loads(line) for line in as_seller("GET", address).text.splitlines()]
    table = as_seller("GET", address, headers={"Accept": "text/csv"}).text
    assert [line["name"] for line in lines] == names
    assert [row["name"] for row in csv.DictReader(io.StringIO(table))] == names


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_archive_is_refused_whole_and_leaves_nothing(
    as_seller: Api, database: Database, settings: Settings, name: str
) -> None:
    response = as_seller("POST", "/api/v1/batches", **zipped(UNSAFE[name]()))
    assert (response.status_code, response.json["code"]) == (422, "archive_unsafe")
    assert rows(database) == [0, 0, 0, 0]
    assert not list((settings.data_dir / "blobs").rglob("*.jpg"))
    assert not list((settings.data_dir / "incoming").iterdir())


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"no archive", 415, "unsupported_media_type"),
        (archive({}), 422, "archive_empty"),
        (archive({"a.jpg": picture(1)})[:-30], 422, "archive_corrupt"),
    ],
)
def test_what_is_no_archive_of_photos_says_what_to_send(
    as_seller: Api, data: bytes, status: int, code: str
) -> None:
    response = as_seller("POST", "/api/v1/batches", **zipped(data))
    assert (response.status_code, response.json["code"]) == (status, code)


def test_a_request_without_files_says_what_to_send(as_seller: Api) -> None:
    response = as_seller("POST", "/api/v1/batches", data={"x": "y"})
    assert (response.status_code, response.json["code"]) == (400, "file_missing")
    assert "archive" in response.json["detail"]


def test_too_many_parts_are_refused(as_seller: Api, database: Database) -> None:
    parts = [(io.BytesIO(b"x"), f"{number}.jpg") for number in range(1100)]
    response = as_seller("POST", "/api/v1/batches", data={"photo": parts}, content_type="multipart/form-data")
    assert (response.status_code, response.json["code"]) == (413, "too_many_parts")
    assert rows(database) == [0, 0, 0, 0]


def test_a_third_batch_at_once_is_asked_to_come_back(
    make_app: MakeApp, settings: Settings, database: Database
) -> None:
    app = make_app(settings)
    api = Api(app.test_client(), add_key(database, add_user(database), "classify", "read"))
    places = app.extensions[EXTENSION].large_requests
    give_back = [places.take(f"person {number}") for number in range(MAX_LARGE)]
    response = api("POST", "/api/v1/batches", **photos({"a.jpg": picture(1)}))
    assert (response.status_code, response.json["code"]) == (503, "busy")
    assert int(response.headers["Retry-After"]) >= 1
    give_back[0]()
    give_back[0]()  # done twice, it frees no second place
    for _ in range(3):  # each gives its place back, the refused ones too
        assert api("POST", "/api/v1/batches", data={}).status_code == 400
    places.take("somebody")
    assert api("POST", "/api/v1/batches", data={}).status_code == 503
    give_back[1]()
    send(api, {"a.jpg": picture(1)})


def test_a_person_with_many_writes_at_once_leaves_threads_to_others(
    make_app: MakeApp, settings: Settings, database: Database
) -> None:
    app = make_app(settings)
    sam, kim = add_user(database, "Sam"), add_user(database, "Kim")
    api, other = (Api(app.test_client(), add_key(database, who, "classify")) for who in (sam, kim))
    held = [app.extensions[EXTENSION].writes.take(sam.id) for _ in range(MAX_WRITES_PER_PERSON)]
    response = api("POST", "/api/v1/classifications")
    assert (response.status_code, response.json["code"]) == (429, "too_many_at_once")
    assert int(response.headers["Retry-After"]) >= 1
    assert other("POST", "/api/v1/classifications").status_code == 400
    held[0]()
    assert api("POST", "/api/v1/classifications").status_code == 400


def test_a_batch_is_stored_under_digests_and_its_names_are_only_shown(
    as_seller: Api, blobs: BlobStore
) -> None:
    body = send(as_seller, {"../../etc/passwd": picture(1)})
    assert body["items"][0]["name"] == "etc/passwd"
    photo = body["items"][0]["photo_id"]
    digest = as_seller("GET", f"/api/v1/photos/{photo}").headers["ETag"].strip('"')
    assert blobs.get(photo_key(digest))
