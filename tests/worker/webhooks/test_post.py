"""One request: where it goes, what it refuses, and that nothing holds it for long."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings, load_settings
from shared.webhooks.deliveries import Outcome
from tests.webhook_receiver import Receiver, receiver, status
from worker.webhooks import post as module
from worker.webhooks.post import MAX_ANSWER_BYTES, Poster

BODY = b'{"type":"test"}'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """No database is needed here."""
    return load_settings({"HANGTAG_DATA_DIR": str(tmp_path)})


def post(settings: Settings, url: str, poster: Poster | None = None) -> Outcome:
    """Send a message once."""
    sends = poster or Poster(settings, 2)
    try:
        return asyncio.run(sends.post(url, {"webhook-id": "1"}, BODY))
    finally:
        sends.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Names of ours and the addresses that one lookup after the other gives, perhaps none; the last stays."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host not in known:
            return real(host, port, *args, **options)
        answers = known[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def test_a_message_arrives_with_the_name_of_the_host_it_was_meant_for(
    local: Settings, shop: Receiver, names: dict[str, list[list[str]]]
) -> None:
    names["shop.test"] = [["127.0.0.1"]]
    outcome = post(local, f"http://shop.test:{shop.port}/hooks?a=1")
    assert (outcome.status, outcome.error) == (204, None)
    [request] = shop.received
    assert (request.path, request.body) == ("/hooks?a=1", BODY)
    assert request.headers["Host"] == f"shop.test:{shop.port}"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["webhook-id"] == "1"


def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(
    settings: Settings, shop: Receiver, names: dict[str, list[list[str]]]
) -> None:
    names["inside.test"] = [["93.184.215.14", "127.0.0.1"]]
    for host in ("inside.test", "localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0", "2130706433"):
        outcome = post(settings, f"http://{host}:{shop.port}/hooks")
        assert outcome.status is None
        assert "not a public address" in (outcome.error or ""), host
    assert shop.received == []


def test_the_connection_goes_to_the_address_that_was_checked_whatever_the_name_says_then(
    local: Settings, shop: Receiver, names: dict[str, list[list[str]]]
) -> None:
    only = dataclasses.replace(local, webhook_networks=(ipaddress.ip_network("127.0.0.1/32"),))
    names["moving.test"] = [["127.0.0.1"], ["127.0.0.2"]]
    with receiver(host="127.0.0.2") as other:
        assert post(only, f"http://moving.test:{shop.port}/").status == 204
        assert post(only, f"http://moving.test:{shop.port}/").status is None  # refused: it has moved
        assert other.received == []
    assert len(shop.received) == 1


def test_the_next_address_is_tried_when_one_does_not_listen(
    local: Settings, shop: Receiver, names: dict[str, list[list[str]]]
) -> None:
    names["two.test"] = [["127.0.0.9", "127.0.0.1"]]
    assert post(local, f"http://two.test:{shop.port}/").status == 204


def test_redirects_proxies_and_plain_http_lead_nowhere(
    local: Settings, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        shop.answer = status(307, Location=other.url)
        outcome = post(local, shop.url)
        assert other.received == []
    assert outcome.status == 307
    assert "redirects" in (outcome.error or "")
    assert "https" in (post(dataclasses.replace(local, webhook_http=False), shop.url).error or "")
    assert len(shop.received) == 1


def test_of_a_public_answer_the_beginning_is_kept_as_text_and_of_a_private_one_nothing(
    local: Settings, shop: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.answer = status(500, b"<b>no\x00\x1b[31m\xff</b>" + b"x" * 10 * MAX_ANSWER_BYTES)
    outcome = post(local, shop.url)
    assert (outcome.status, outcome.answer) == (500, "")
    monkeypatch.setattr(module, "require_allowed", lambda *_: False)
    outcome = post(local, shop.url)
    assert (outcome.answer or "").startswith("<b>no[31m�</b>xxx")
    assert len(outcome.answer or "") == 500


def test_a_receiver_that_drips_or_hangs_is_left_after_a_while(
    local: Settings, shop: Receiver, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.05):
            handler.wfile.write(b"x")

    shop.answer = drip
    began = time.monotonic()
    with monkeypatch.context() as patched:
        patched.setattr(module, "TOTAL_SECONDS", 0.5)
        outcome = post(local, shop.url)
    over.set()
    assert outcome.status is None
    assert "did not answer" in (outcome.error or "")
    assert time.monotonic() - began < 5
    shop.answer = lambda handler: handler.connection.close()
    assert "broke" in (post(local, shop.url).error or "")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen: nobody else can take the port meanwhile
        assert "refused" in (post(local, f"http://127.0.0.1:{deaf.getsockname()[1]}/").error or "")
    names["nowhere.invalid"] = [[]]
    assert "leads nowhere" in (post(local, "http://nowhere.invalid/").error or "")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("-1", None), ("soon", None), ("999999999", 86400), ("Thu, 01 Jan 2026 00:00:00 GMT", 0)],
)
def test_what_a_receiver_asks_for_is_read(
    local: Settings, shop: Receiver, header: str, seconds: float | None
) -> None:
    shop.answer = status(503, Retry_After=header)
    assert post(local, shop.url).retry_after == seconds


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for shop.test, and its key, in one file."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=shop.test"),
            *("-addext", "subjectAltName=DNS:shop.test"),
        ],
        check=True,
        capture_output=True,
    )
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


@pytest.fixture
def safe_shop(certificate: Path) -> Iterator[Receiver]:
    """A receiver with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with receiver(context) as found:
        yield found


def test_the_certificate_has_to_be_trusted_and_for_the_name(
    local: Settings, safe_shop: Receiver, certificate: Path, names: dict[str, list[list[str]]]
) -> None:
    names["shop.test"] = names["other.test"] = [["127.0.0.1"]]
    unknown = post(local, f"https://shop.test:{safe_shop.port}/")
    assert "certificate" in (unknown.error or "")

    def trusting() -> Poster:
        poster = Poster(local, 2)
        poster._tls.load_verify_locations(certificate)
        return poster

    assert post(local, f"https://shop.test:{safe_shop.port}/", trusting()).status == 204
    for host in ("other.test", "127.0.0.1"):
        wrong = post(local, f"https://{host}:{safe_shop.port}/", trusting())
        assert "certificate" in (wrong.error or ""), host
    assert len(safe_shop.received) == 1
