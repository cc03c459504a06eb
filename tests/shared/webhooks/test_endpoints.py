"""Endpoints: which addresses can be used, how many, and that the database holds no secret."""

from __future__ import annotations

import dataclasses
import ipaddress

import pytest
from sqlalchemy import select

from shared import audit
from shared.clock import utc_now
from shared.database import Database
from shared.errors import ConflictError, HangtagError, NotFoundError, ValidationError
from shared.settings import Settings, load_settings
from shared.tables import User, WebhookEndpoint
from shared.webhooks import endpoints, signing
from shared.webhooks.destinations import RefusedAddressError, checked_url, require_allowed
from tests.factories import add_user

INSIDE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1%1"),
    *("fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "fec0::1", "64:ff9b:1::1"),
)
PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14")


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused_also_beside_public_ones(address: str) -> None:
    with pytest.raises(RefusedAddressError):
        require_allowed([PUBLIC[0], address], ())


def test_public_addresses_and_named_networks_are_allowed() -> None:
    assert require_allowed(PUBLIC, ()) is False
    network = (ipaddress.ip_network("10.20.0.0/16"),)
    assert require_allowed(["10.20.3.4", PUBLIC[0]], network) is True
    assert require_allowed(["::ffff:10.20.3.4"], network) is True
    with pytest.raises(RefusedAddressError):
        require_allowed(["10.21.3.4"], network)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop.example.org", "whole address"),
        ("ftp://example.org/", "whole address"),
        ("file:///etc/passwd", "whole address"),
        ("https:///nowhere", "whole address"),
        ("http://example.org/", "https"),
        ("https://sam:secret@example.org/", "name and password"),
        ("https://example.org/#part", "#"),
        ("https://example.org:22/", "port"),
        ("https://127.0.0.1/", "not a public address"),
        ("https://[::ffff:10.0.0.1]/", "not a public address"),
        ("https://example.org/" + "x" * 1000, "characters"),
        ("https://exa mple.org:abc/", "no address"),
    ],
)
def test_an_address_that_cannot_be_used_is_explained(url: str, says: str, settings: Settings) -> None:
    production = dataclasses.replace(settings, webhook_http=False)
    with pytest.raises(ValidationError, match=says):
        checked_url(url, production)


def test_addresses_are_kept_in_their_normal_form(settings: Settings) -> None:
    assert checked_url(" https://Shop.Example.ORG:443/a b ", settings) == "https://shop.example.org/a%20b"
    assert checked_url("https://bücher.example:8443/", settings) == "https://xn--bcher-kva.example:8443/"
    assert checked_url("http://example.org", settings) == "http://example.org"  # not in production


def test_production_wants_https_unless_a_setting_says_otherwise() -> None:
    env = {
        "HANGTAG_ENV": "production",
        "HANGTAG_SECRET_KEY": "x7" * 20,
        "HANGTAG_TRUSTED_HOSTS": "a.example.org",
    }
    assert load_settings(env).webhook_http is False
    assert load_settings({**env, "HANGTAG_WEBHOOK_HTTP": "yes"}).webhook_http is True
    networks = load_settings({**env, "HANGTAG_WEBHOOK_NETWORKS": "10.1.0.0/16, fd00::/8"}).webhook_networks
    assert [str(network) for network in networks] == ["10.1.0.0/16", "fd00::/8"]
    for wrong in ("10.1.0.1/16", "somewhere"):
        with pytest.raises(HangtagError, match="HANGTAG_WEBHOOK_NETWORKS"):
            load_settings({**env, "HANGTAG_WEBHOOK_NETWORKS": wrong})


@pytest.fixture
def owner(database: Database) -> User:
    """Somebody who sells."""
    return add_user(database)


def test_a_person_has_so_many_endpoints_and_one_per_address(
    database: Database, settings: Settings, owner: User
) -> None:
    few = dataclasses.replace(settings, quota_webhooks=2)

    def add(path: str, **changes: object) -> WebhookEndpoint:
        with database.write() as session:
            values = {"url": f"https://example.org/{path}", "events": ["job.failed"], **changes}
            return endpoints.add(session, few, owner.id, **values)[0]  # type: ignore[arg-type]

    for wrong in ([], ["test"], ["version.promoted"], ["job.exploded"]):
        with pytest.raises(ValidationError, match=r"at least one event, out of job\.succeeded"):
            add("a", events=wrong)
    add("a")
    with pytest.raises(ConflictError, match="already"):
        add("a")
    second = add("b")
    with pytest.raises(ConflictError, match="2 webhooks"):
        add("c")
    with database.write() as session:
        found = endpoints.find(session, second.id, owner.id, change=True)
        with pytest.raises(ConflictError, match="already"):
            endpoints.change(session, few, found, by="Sam", url="https://example.org/a")
    with database.write() as session, pytest.raises(NotFoundError):
        endpoints.find(session, second.id, "0" * 36)


def test_the_database_holds_no_secret_and_both_sign_for_a_day_after_a_rotation(
    database: Database, settings: Settings, owner: User
) -> None:
    with database.write() as session:
        endpoint, first = endpoints.add(session, settings, owner.id, "https://example.org/", ["job.failed"])
    with database.write() as session:
        second = endpoints.rotate(
            session, settings, endpoints.find(session, endpoint.id, None, change=True), by="Sam"
        )
    with database.read() as session:
        row = session.scalars(select(WebhookEndpoint)).one()
        events = audit.page(session).items
    texts = [str(value) for value in vars(row).values()] + [str(event.details) for event in events]
    for secret in (first, second):
        assert secret.startswith("whsec_")
        assert not [text for text in texts if secret.removeprefix("whsec_") in text]
    now = utc_now()
    both = [signing.secret_text(key) for key in signing.keys(row, settings.secret_key, now)]
    assert both == [second, first]
    later = signing.keys(row, settings.secret_key, now + signing.OVERLAP)
    assert [signing.secret_text(key) for key in later] == [second]
    assert signing.keys(row, "another key of the server, long enough", now) == []
    with database.write() as session:
        endpoints.remove(session, endpoints.find(session, endpoint.id, owner.id, change=True), by="Sam")
    with database.read() as session:
        actions = [event.action for event in audit.page(session).items]
    assert actions == ["webhook_removed", "webhook_secret_made", "webhook_added", "person_added"]
