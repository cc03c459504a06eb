"""Under which names Hangtag answers. Whoever may choose the name chooses where its absolute links lead.

Flask's own TRUSTED_HOSTS knows no IPv6 addresses, and HANGTAG_HOST may be one: names are compared by the
function behind it, addresses in brackets here.
"""

from __future__ import annotations

from flask import Flask, request
from werkzeug.sansio.utils import host_is_trusted

from shared.errors import UntrustedHostError
from shared.settings import Settings


def register(app: Flask, settings: Settings) -> None:
    """Answer no request for a host that the settings do not name."""

    def check() -> None:
        if not _trusted(request.host, settings.trusted_hosts):
            raise UntrustedHostError

    app.before_request(check)


def _trusted(host: str, names: tuple[str, ...]) -> bool:
    address, bracket, _port = host.partition("]")
    if bracket:
        return address + bracket in names
    return host_is_trusted(host, [name for name in names if not name.startswith("[")])
