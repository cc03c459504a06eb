"""Where webhooks may go: rules for addresses as people type them, and for hosts as they resolve when we send.

Both use the parser of the client that sends, so that what was checked is what is asked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

import httpx

from shared.errors import ValidationError
from shared.settings import Network, Settings
from shared.tables.webhooks import MAX_URL_CHARACTERS

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
WEB_PORTS = (80, 443)
# Below are mail, name, directory and login services; a web server elsewhere has a port of its own.
FIRST_FREE_PORT = 1024


class RefusedAddressError(Exception):
    """A host leads where webhooks may not go; the message says so."""


def checked_url(text: str, settings: Settings) -> str:
    """An address that may be kept, in its normal form. Its host is looked up each time something is sent.

    Raises:
        ValidationError: it cannot be used; the message says why.
    """
    url = _parsed(text.strip())
    if url.scheme not in ("https", "http") or not url.host:
        raise ValidationError("Give a whole address, like https://shop.example.org/hooks.")
    if url.scheme == "http" and not settings.webhook_http:
        raise ValidationError("Use an https address: what is sent to it must not be read on the way.")
    if url.userinfo or url.fragment:
        raise ValidationError("Leave name and password and what follows # out of the address.")
    if url.port is not None and url.port not in WEB_PORTS and not FIRST_FREE_PORT <= url.port <= 65535:
        raise ValidationError("Use port 80, 443 or one from 1024 on.")
    if len(str(url)) > MAX_URL_CHARACTERS:
        raise ValidationError(f"An address has up to {MAX_URL_CHARACTERS:,} characters.")
    try:
        ipaddress.ip_address(url.host)
    except ValueError:
        return str(url)  # a name
    try:
        require_allowed([url.host], settings.webhook_networks)
    except RefusedAddressError as error:
        raise ValidationError(str(error)) from error
    return str(url)


def require_allowed(addresses: Collection[str], networks: Collection[Network]) -> bool:
    """Check every address a host has. Returns whether one is only allowed by `networks`, and so is private.

    Raises:
        RefusedAddressError: one of them is not public and in none of `networks`.
    """
    found = [_unwrapped(ipaddress.ip_address(address.partition("%")[0])) for address in addresses]
    inner = [address for address in found if not _public(address)]
    for address in inner:
        if not any(address in network for network in networks):
            raise RefusedAddressError(
                f"{address} is not a public address. An administrator can allow a private network with "
                "HANGTAG_WEBHOOK_NETWORKS."
            )
    return bool(inner)


def _parsed(text: str) -> httpx.URL:
    try:
        return httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValidationError(f"This is no address: {error}.") from error


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 one that only stands for it (mapped, or 6to4)."""
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _public(address: Address) -> bool:
    """Whether the whole Internet reaches it.

    `is_global` leaves out private, loopback, link-local, shared and documentation ranges. What is reserved
    holds translated IPv4 addresses (64:ff9b::/96); site-local addresses were private networks once.
    """
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)
