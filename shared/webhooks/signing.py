"""Secrets of webhook endpoints and signatures made with them, as the Standard Webhooks specification has it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: the header
`webhook-signature` holds `v1,` and the base64 of an HMAC-SHA256 over `id.timestamp.body`, once per secret.

A secret is not stored. It is derived from the server's own key and a random salt in the endpoint's row (HMAC
as a pseudo-random function, NIST SP 800-108), so whoever reads the database cannot sign anything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.tables import WebhookEndpoint

SECRET_PREFIX = "whsec_"  # noqa: S105 - what the specification has every secret begin with
PURPOSE = b"hangtag webhook secret\0"
# Both secrets sign for this long after a rotation: time to give the new one to the receiver.
OVERLAP = timedelta(hours=24)


def new_salt() -> str:
    """What makes the next secret of an endpoint another one."""
    return secrets.token_hex(16)


def signing_key(server_key: str, salt: str) -> bytes:
    """The 32 bytes that belong to a salt."""
    return hmac.digest(server_key.encode(), PURPOSE + salt.encode(), hashlib.sha256)


def secret_text(key: bytes) -> str:
    """A key as receivers are given it."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def digest(key: bytes) -> str:
    """By what we notice that the server's own key is another one than when the secret was given out."""
    return hashlib.sha256(key).hexdigest()


def keys(endpoint: WebhookEndpoint, server_key: str, now: datetime) -> list[bytes]:
    """The keys that sign now, the present one first; none when the server's own key was changed."""
    present = signing_key(server_key, endpoint.salt)
    if not hmac.compare_digest(digest(present), endpoint.secret_digest):
        return []
    if endpoint.previous_salt is None or endpoint.previous_until is None or endpoint.previous_until <= now:
        return [present]
    return [present, signing_key(server_key, endpoint.previous_salt)]


def headers(signing_keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message. `timestamp` is in seconds since 1970, of this attempt."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in signing_keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
