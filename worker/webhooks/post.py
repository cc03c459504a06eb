"""One signed request to an address somebody else chose: looked up, checked, pinned, bounded.

The host is resolved once, every address it has is checked, and the connection goes to one of these addresses
with the host's name in `Host` and in TLS, whose certificate has to be for that name. So nothing can lead
elsewhere between check and use. Redirects are not followed, proxies of the environment not asked, and of the
answer only the beginning is read.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx
import structlog

from shared.clock import utc_now
from shared.settings import Settings
from shared.tables.webhooks import MAX_ANSWER_CHARACTERS
from shared.webhooks.deliveries import LONGEST_RETRY_AFTER_SECONDS, Outcome
from shared.webhooks.destinations import RefusedAddressError, require_allowed

logger = structlog.get_logger(__name__)
# A receiver notes the message and answers; what takes longer it does afterwards.
TOTAL_SECONDS = 10.0
TIMEOUTS = httpx.Timeout(connect=3.0, read=8.0, write=5.0, pool=1.0)
MAX_ANSWER_BYTES = 2048
# A host with more addresses than this is asked at the first ones only.
MAX_ADDRESSES = 4
USER_AGENT = "Hangtag-Webhooks/1"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    text: str
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a host leads: addresses that were checked."""

    addresses: list[str]
    private: bool


class Poster:
    """Sends requests from one event loop; each ends within ten seconds."""

    def __init__(self, settings: Settings, at_once: int) -> None:
        self._settings = settings
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._tls.load_default_certs()  # the machine's own authorities, for receivers inside
        # Lookups that hang hold these threads and none that write to the database.
        self._lookups = ThreadPoolExecutor(at_once, thread_name_prefix="webhook-lookup")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send once. Whatever happens is an outcome."""
        sent_at, began = utc_now(), time.monotonic()
        answer: _Answer | None = None
        error: str | None = None
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                answer = await self._exchange(httpx.URL(url), headers, body)
        except (httpx.HTTPError, OSError, UnicodeError, RefusedAddressError) as trouble:
            error = _explained(trouble)
        except Exception as trouble:
            logger.exception("webhook_not_sent")
            error = f"It could not be sent: {type(trouble).__name__}."
        return Outcome(
            sent_at=sent_at,
            duration_ms=round((time.monotonic() - began) * 1000),
            status=answer.status if answer else None,
            answer=answer.text if answer else None,
            error=error or _complaint(answer),
            retry_after=answer.retry_after if answer else None,
        )

    def close(self) -> None:
        """Forget lookups that still hang."""
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def _exchange(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> _Answer:
        if url.scheme != "https" and not self._settings.webhook_http:
            raise RefusedAddressError("Webhooks go to https addresses only. Change the address.")
        place = await self._look_up(url)
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=TIMEOUTS) as client:
            for address in place.addresses[:-1]:
                try:
                    return await _ask(client, url, address, headers, body, keep=not place.private)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue  # nothing was sent yet
            return await _ask(client, url, place.addresses[-1], headers, body, keep=not place.private)

    async def _look_up(self, url: httpx.URL) -> _Place:
        loop = asyncio.get_running_loop()
        host = url.raw_host.decode("ascii")
        found = await loop.run_in_executor(
            self._lookups, lambda: socket.getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
        )
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses:
            raise OSError("no address")
        private = require_allowed(addresses, self._settings.webhook_networks)
        return _Place(addresses[:MAX_ADDRESSES], private)


async def _ask(
    client: httpx.AsyncClient,
    url: httpx.URL,
    address: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    keep: bool,
) -> _Answer:
    """Ask one address, in the name of the host. With `keep`, the beginning of its answer is read.

    What a private receiver answers is not: whoever may name its address would read it in the log.
    """
    sent = {
        **headers,
        "Host": url.netloc.decode("ascii"),
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    pinned = url.copy_with(host=address)
    name = {"sni_hostname": url.raw_host.decode("ascii")}
    async with client.stream("POST", pinned, headers=sent, content=body, extensions=name) as response:
        text = await _beginning(response) if keep else ""
        return _Answer(response.status_code, text, _retry_after(response.headers))


async def _beginning(response: httpx.Response) -> str:
    data = b""
    async for part in response.aiter_raw():
        data += part
        if len(data) >= MAX_ANSWER_BYTES:
            break
    text = data[:MAX_ANSWER_BYTES].decode(errors="replace")
    return "".join(c for c in text if c.isprintable() or c == "\n")[:MAX_ANSWER_CHARACTERS]


def _retry_after(headers: httpx.Headers) -> float | None:
    """What the receiver asks for, in seconds or as a date (RFC 9110, section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text) if text.isdigit() else (parsedate_to_datetime(text) - utc_now()).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)


def _complaint(answer: _Answer | None) -> str | None:
    """Why an answer does not count as delivered."""
    if answer is None or 200 <= answer.status < 300:
        return None
    if 300 <= answer.status < 400:
        return f"The receiver redirects ({answer.status}). Give the address it leads to."
    return f"The receiver answered {answer.status}."


def _explained(trouble: Exception) -> str:
    """What went wrong, in a sentence for the owner of the address."""
    if isinstance(trouble, RefusedAddressError):
        return str(trouble)[:300]
    if isinstance(trouble, TimeoutError | httpx.TimeoutException):
        return f"The receiver did not answer within {TOTAL_SECONDS:.0f} seconds."
    if isinstance(trouble, socket.gaierror | UnicodeError):
        return "The host name leads nowhere."
    if "certificate" in str(trouble).lower():
        return f"The receiver's certificate cannot be trusted: {trouble}"[:300]
    if isinstance(trouble, httpx.ConnectError):
        return "The connection was refused or could not be made."
    return f"The connection broke: {type(trouble).__name__}."
