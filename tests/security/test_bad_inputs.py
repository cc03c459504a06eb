"""The 25 bad inputs, through real HTTP against a running server; its database and disk are looked at."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from PIL import Image

from shared import accounts
from shared.clock import utc_now
from tests.archives import archive, bomb, link
from tests.bad_pictures import MODES, SIGNATURES, animation, in_mode, phone_photo, png_header, saved, twin_of
from tests.factories import add_user, picture
from tests.live_system import LiveSystem
from tests.web_server import WebServer

MIB = 1024 * 1024
UPLOAD = "/api/v1/classifications"
BATCHES = "/api/v1/batches"
UNKNOWN = "01a00000-0000-7000-8000-000000000000"


@contextmanager
def nothing_left(server: WebServer) -> Iterator[None]:
    """Neither a row nor a file may come of what happens here, and no process may go."""
    rows, files = server.rows(), server.files()
    yield
    assert server.rows() == rows
    assert server.files() == files
    assert httpx.get(f"{server.url}/healthz", timeout=60).status_code == 200


def post(
    client: httpx.Client, data: bytes, name: str = "cat.jpg", kind: str = "image/jpeg"
) -> httpx.Response:
    return client.post(UPLOAD, files={"photo": (name, data, kind)})


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
    document: dict[str, Any] = response.json()
    assert document["code"] == code
    assert document["request_id"] == response.headers["X-Request-ID"]
    return document


def damaged_png() -> bytes:
    data = bytearray(saved(Image.linear_gradient("L")))
    data[data.find(b"IDAT") + 20] ^= 0xFF
    return bytes(data)


REFUSED: dict[str, tuple[bytes, int, str]] = {
    "B2 no bytes": (b"", 422, "image_empty"),
    "B3 text": (b"not a picture at all", 415, "unsupported_media_type"),
    "B4 eleven megabytes": (picture(1) + bytes(11 * MIB), 413, "payload_too_large"),
    "B6 a gigantic header": (png_header(60_000, 60_000), 422, "image_too_large"),
    "B7 in the warning zone": (png_header(12_000, 9_000), 422, "image_too_large"),
    "B8 half a JPEG": (picture(1)[: len(picture(1)) // 2], 422, "image_corrupt"),
    "B9 a wrong sum": (damaged_png(), 422, "image_corrupt"),
    "B9 wrong data": (png_header(64, 64), 422, "image_corrupt"),
    "B10 SVG with script": (SIGNATURES["SVG"], 415, "unsupported_media_type"),
    **{
        f"B11 {kind}": (SIGNATURES[kind], 415, "unsupported_media_type")
        for kind in ("EPS", "WMF", "PSD", "FITS", "HDF5")
    },
    "B12 a GIF that moves": (animation("GIF", 500), 415, "unsupported_media_type"),
    "B12 a WebP that moves": (animation("WEBP", 500), 422, "animation_not_supported"),
    "B16 one pixel": (saved(Image.new("RGB", (1, 1))), 422, "image_too_small"),
    "B16 a line": (saved(Image.new("RGB", (1, 5000))), 422, "image_bad_shape"),
    **{f"B17 {kind}": (SIGNATURES[kind], 415, "unsupported_media_type") for kind in ("HEIC", "AVIF")},
}


@pytest.mark.parametrize("row", REFUSED)
def test_a_bad_picture_is_refused_with_its_code_and_leaves_nothing(web_server: WebServer, row: str) -> None:
    data, status, code = REFUSED[row]
    with web_server.client() as client, nothing_left(web_server):
        document = assert_problem(post(client, data), status, code)
    assert document["detail"].endswith(".")
    if status == 415:
        assert all(name in document["detail"] for name in ("JPEG", "PNG", "WebP"))


def test_b1_without_a_file_the_answer_names_the_field(web_server: WebServer) -> None:
    with web_server.client() as client, nothing_left(web_server):
        assert "photo" in assert_problem(client.post(UPLOAD), 400, "file_missing")["detail"]
        assert_problem(client.post(UPLOAD, data={"x": "y"}), 400, "file_missing")
        assert_problem(client.post(UPLOAD, files={"other": ("a.jpg", picture(1))}), 400, "file_missing")


def test_b5_a_body_of_unknown_length_is_cut_off_at_the_limit(web_server: WebServer) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
        for _ in range(200):
            yield bytes(MIB)

    with web_server.client() as client, nothing_left(web_server):
        web_server.start_decoders()
        before = web_server.resident_bytes()
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        try:
            response = client.post(UPLOAD, content=endless(), headers=headers)
        # The server has answered, and closed while we were still sending; httpx tells it in three ways.
        except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            pass
        else:
            assert_problem(response, 413, "payload_too_large")
        assert web_server.resident_bytes() - before < 50 * MIB


def test_b6_a_gigantic_header_takes_no_memory(web_server: WebServer) -> None:
    with web_server.client() as client:
        post(client, picture(1))
        web_server.start_decoders()
        before = web_server.resident_bytes()
        for _ in range(5):
            assert_problem(post(client, png_header(60_000, 60_000)), 422, "image_too_large")
        assert web_server.resident_bytes() - before < 50 * MIB


@pytest.mark.parametrize("tail", [archive({"a.txt": b"PK stays out"}), b"<html><script>alert(1)</script>"])
def test_b13_what_is_behind_a_picture_is_left_behind(web_server: WebServer, tail: bytes) -> None:
    with web_server.client() as client:
        response = post(client, picture(13) + tail)
        assert response.status_code == 202
        served = client.get(response.json()["photo"]["url"])
    assert b"PK" not in served.content
    assert b"<script>" not in served.content
    assert served.headers["Content-Type"] == "image/jpeg"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        served.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    assert served.headers["Content-Disposition"].startswith("inline; filename=")


def test_b14_a_phone_photo_is_upright_and_says_nothing_about_the_place(web_server: WebServer) -> None:
    with web_server.client() as client:
        photo = post(client, phone_photo()).json()["photo"]
        for address in (photo["url"], photo["thumbnail_url"]):
            image = Image.open(io.BytesIO(client.get(address).content))
            assert image.height == 2 * image.width
            assert not image.getexif()
            assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info)


def test_b15_every_mode_gets_the_label_of_its_rgb_twin(live_system: LiveSystem) -> None:
    wait = {"Prefer": "wait=60"}
    with live_system.api() as client:
        for mode in MODES:
            labels = [
                client.post(UPLOAD, files={"photo": ("a", data)}, headers=wait).json()["job"]["result"]
                for data in (in_mode(mode), twin_of(mode))
            ]
            assert labels[0]["category"] == labels[1]["category"], mode


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("cat\u202egpj.jpg", "catgpj.jpg"),
        ("x" * 10_000, "x" * 255),
        ("a%00b.jpg", "a%00b.jpg"),
    ],
)
def test_b18_a_name_is_made_safe_and_never_becomes_a_path(
    web_server: WebServer, sent: str, shown: str
) -> None:
    before = web_server.files()
    with web_server.client() as client:
        photo = post(client, picture(18), name=sent).json()["photo"]
        client.delete(photo["url"])
        again = post(client, picture(18), name=sent).json()["photo"]
    assert again["name"] == shown
    assert {path.stem for path in web_server.files() - before} <= {photo["sha256"]}


def test_b18_a_name_with_a_nul_byte_is_shown_without_it(web_server: WebServer) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a\x00b.jpg"\r\n\r\n'
        + picture(1801)
        + b"\r\n--b--\r\n"
    )
    with web_server.client() as client:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        response = client.post(UPLOAD, content=body, headers=headers)
    assert response.status_code == 202
    assert response.json()["photo"]["name"] == "ab.jpg"


def test_b19_two_thousand_parts_are_too_many(web_server: WebServer) -> None:
    parts = [("photo", (f"{number}.jpg", b"x")) for number in range(2000)]
    with web_server.client() as client, nothing_left(web_server):
        for path in (UPLOAD, BATCHES):
            assert_problem(client.post(path, files=parts), 413, "too_many_parts")


UNSAFE: dict[str, Callable[[], bytes]] = {
    "a bomb": bomb,
    "a way out": lambda: archive({"../../a.jpg": picture(1)}),
    "a link": link,
    "nested": lambda: archive({"inner.zip": archive({"a.jpg": picture(1)})}, zipfile.ZIP_DEFLATED),
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_b20_an_unsafe_archive_is_refused_and_the_disk_stays_as_it_is(
    web_server: WebServer, kind: str
) -> None:
    with web_server.client() as client, nothing_left(web_server):
        web_server.start_decoders()
        before = web_server.resident_bytes()
        response = client.post(BATCHES, files={"archive": ("a.zip", UNSAFE[kind]())})
        assert_problem(response, 422, "archive_unsafe")
        assert web_server.resident_bytes() - before < 50 * MIB


def test_b21_the_same_key_and_photo_twice_and_at_once_is_one_job(web_server: WebServer) -> None:
    headers = {"Idempotency-Key": "b21"}
    with web_server.client() as client, ThreadPoolExecutor(8) as pool:
        files = {"photo": ("a.jpg", picture(21))}
        answers = list(pool.map(lambda _: client.post(UPLOAD, files=files, headers=headers), range(16)))
        answers.append(client.post(UPLOAD, files=files, headers=headers))
    taken = [response for response in answers if response.status_code == 202]
    assert len({response.json()["job"]["id"] for response in taken}) == 1
    assert {response.status_code for response in answers} <= {202, 409}
    assert answers[-1].status_code == 202


def test_b22_the_same_key_with_another_photo_is_refused(web_server: WebServer) -> None:
    headers = {"Idempotency-Key": "b22"}
    with web_server.client() as client:
        client.post(UPLOAD, files={"photo": ("a.jpg", picture(22))}, headers=headers)
        rows = web_server.rows()
        other = client.post(UPLOAD, files={"photo": ("a.jpg", picture(2201))}, headers=headers)
        assert_problem(other, 422, "idempotency_key_reused")
    assert web_server.rows() == rows


def test_b23_what_is_somebody_elses_answers_like_what_there_is_not(web_server: WebServer) -> None:
    with web_server.client() as client:
        mine = client.post(UPLOAD, files={"photo": ("a.jpg", picture(23))}).json()
        batch = client.post(BATCHES, files={"photo": ("a.jpg", picture(23))}).json()["batch"]["id"]
    eve = add_user(web_server.database, "Eve")
    paths = [
        ("GET", "/api/v1/jobs/{}", mine["job"]["id"]),
        ("POST", "/api/v1/jobs/{}/cancel", mine["job"]["id"]),
        ("POST", "/api/v1/jobs/{}/retry", mine["job"]["id"]),
        ("GET", "/api/v1/photos/{}", mine["photo"]["id"]),
        ("GET", "/api/v1/photos/{}/thumbnail", mine["photo"]["id"]),
        ("DELETE", "/api/v1/photos/{}", mine["photo"]["id"]),
        ("GET", "/api/v1/batches/{}", batch),
        ("GET", "/api/v1/batches/{}/results", batch),
    ]
    with web_server.client(eve) as other, nothing_left(web_server):
        for method, path, found in paths:
            theirs = assert_problem(other.request(method, path.format(found)), 404, "not_found")
            nobodys = assert_problem(other.request(method, path.format(UNKNOWN)), 404, "not_found")
            differing = {"request_id"}
            assert {key: theirs[key] for key in theirs.keys() - differing} == {
                key: nobodys[key] for key in nobodys.keys() - differing
            }, path


def test_b24_keys_and_tokens_that_are_not_good_enough(web_server: WebServer) -> None:
    with web_server.database.write() as session:
        past = utc_now() - timedelta(days=1)
        _, expired = accounts.create_key(session, web_server.seller.id, "old", ["classify"], past)
        cookie = accounts.open_session(session, web_server.seller.id)
    files = {"photo": ("a.jpg", picture(24))}
    with nothing_left(web_server):
        for header in ("Bearer htk_wrong", f"Bearer {expired}", "Bearer"):
            headers = {"Authorization": header}
            response = httpx.post(f"{web_server.url}{UPLOAD}", files=files, headers=headers, timeout=60)
            assert_problem(response, 401, "unauthenticated")
        response = httpx.post(f"{web_server.url}{UPLOAD}", files=files, timeout=60)
        assert_problem(response, 401, "unauthenticated")
        with web_server.client(None, "read") as reader:
            assert_problem(reader.post(UPLOAD, files=files), 403, "insufficient_scope")
        with signed_in(web_server, cookie) as browser:
            assert browser.get("/api/v1/jobs").status_code == 200
            assert_problem(browser.post(UPLOAD, files=files), 403, "csrf_failed")


def signed_in(server: WebServer, token: str) -> httpx.Client:
    """A browser with this session, signed as the server signs it."""
    from web.app import create_app  # noqa: PLC0415 - only this test needs the server's signature
    from web.services import EXTENSION  # noqa: PLC0415

    app = create_app(server.settings)
    browser = app.test_client()
    with browser.session_transaction() as session:
        session["token"] = token
        session.permanent = True
    app.extensions[EXTENSION].close()
    signed = browser.get_cookie("hangtag")
    assert signed is not None
    cookies = {"hangtag": signed.value}
    return httpx.Client(base_url=server.url, cookies=cookies, timeout=60)


VALUES: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "malformed JSON": ("POST", "/api/v1/trainings", {"content": b"{not json"}, 400, "invalid_json"),
    "endless nesting": (*("POST", "/api/v1/trainings"), {"content": b"[" * 200_000}, *(400, "invalid_json")),
    "half a character": (
        *("PUT", "/api/v1/aliases/champion"),
        {"content": b'{"version": 1, "reason": "\\ud800"}'},
        *(400, "invalid_json"),
    ),
    "a NUL in a text": (
        *("PUT", "/api/v1/aliases/champion"),
        {"json": {"version": 1, "reason": "a\0b"}},
        *(400, "invalid_json"),
    ),
    "too much JSON": (
        *("POST", "/api/v1/trainings"),
        {"content": b'{"preset": "' + b"x" * 2 * MIB},
        *(413, "payload_too_large"),
    ),
    "a list": ("POST", "/api/v1/trainings", {"content": b"[]"}, 422, "validation_error"),
    "NaN": ("POST", "/api/v1/trainings", {"content": b'{"learning_rate": NaN}'}, 422, "validation_error"),
    "epochs -1": ("POST", "/api/v1/trainings", {"json": {"epochs": -1}}, 422, "validation_error"),
    "epochs 1e9": ("POST", "/api/v1/trainings", {"json": {"epochs": 10**9}}, 422, "validation_error"),
    "an unknown version": ("GET", "/api/v1/models/999", {}, 404, "not_found"),
    "a version too large": ("GET", f"/api/v1/models/{10**30}", {}, 404, "not_found"),
    "an unknown dataset": ("POST", "/api/v1/trainings", {"json": {"dataset_version": 9}}, 404, "not_found"),
    "a dataset too large": (
        *("POST", "/api/v1/trainings"),
        {"json": {"dataset_version": 10**30}},
        *(404, "not_found"),
    ),
    "limit 1e9": ("GET", "/api/v1/jobs?limit=1000000000", {}, 422, "validation_error"),
    "a broken cursor": ("GET", "/api/v1/jobs?cursor=%27;drop", {}, 422, "validation_error"),
    "a broken cursor of batches": ("GET", "/api/v1/batches?cursor=..", {}, 422, "validation_error"),
}


@pytest.mark.parametrize("row", VALUES)
def test_b25_values_that_cannot_be_used(web_server: WebServer, row: str) -> None:
    method, path, body, status, code = VALUES[row]
    headers = {"Content-Type": "application/json"} if body else {}
    with web_server.client(web_server.admin, *accounts.SCOPES) as client, nothing_left(web_server):
        document = assert_problem(client.request(method, path, headers=headers, **body), status, code)
    if status == 422:
        assert document["errors"], document
