"""Checking that a webhook came from Hangtag, for whoever receives one. Needs no server and no key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from hangtag_client.errors import WebhookError

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins
# Five minutes, as is usual: more than clocks differ, too short for whoever got hold of an old message.
TOLERANCE_SECONDS = 300.0


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, tolerance: float = TOLERANCE_SECONDS
) -> dict[str, Any]:
    """The message in a request, once it is certain that Hangtag has sent it, and just now.

    `headers` are the request's in any case, `body` its bytes as they came: parsed and written anew, they do
    not match. `tolerance` is how old, or ahead of our clock, a message may be, in seconds. A message may come
    more than once: its header `webhook-id` is then the same.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

    Raises:
        WebhookError: a header is missing, the time is too far off, no signature fits, or the secret is none.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp = found["webhook-id"], found["webhook-timestamp"]
        given = found["webhook-signature"].split()
        age = abs(time.time() - int(stamp))
    except (KeyError, ValueError, OverflowError) as error:
        raise WebhookError(f"This is no signed webhook: {error}.") from error
    if age > tolerance:
        raise WebhookError("The message is too old, or one of the two clocks is wrong.")
    signed = f"{message_id}.{stamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
    if not any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in given):
        raise WebhookError("The signature does not fit: another secret, or the body was changed.")
    message: dict[str, Any] = json.loads(body)
    return message


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError as error:
        raise WebhookError("This is no webhook secret. It begins with whsec_.") from error
