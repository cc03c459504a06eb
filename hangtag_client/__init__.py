"""Hangtag's API for Python programs: `Client` waits, `AsyncClient` has the same calls to be awaited.

with Client("http://127.0.0.1:8000", key) as hangtag:
    print(hangtag.classify("shirt.jpg", wait=30).suggestion.category)
"""

from __future__ import annotations

from hangtag_client.client import AsyncClient, Client
from hangtag_client.errors import ApiError, ClientError, JobError, UnreachableError, WebhookError
from hangtag_client.results import (
    Batch,
    BatchItem,
    Classification,
    Epoch,
    Job,
    Listing,
    ModelVersion,
    Suggestion,
    Why,
)
from hangtag_client.webhooks import verify_webhook

__all__ = [
    "ApiError",
    "AsyncClient",
    "Batch",
    "BatchItem",
    "Classification",
    "Client",
    "ClientError",
    "Epoch",
    "Job",
    "JobError",
    "Listing",
    "ModelVersion",
    "Suggestion",
    "UnreachableError",
    "WebhookError",
    "Why",
    "verify_webhook",
]
