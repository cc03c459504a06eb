"""Hangtag's API for Python programs: `Client` waits, `AsyncClient` has the same calls to be awaited.

with Client("http://127.0.0.1:8000", key) as hangtag:
    print(hangtag.classify("shirt.jpg", wait=30).suggestion.category)
"""

from __future__ import annotations

from hangtag_client.client import AsyncClient, Client
from hangtag_client.errors import (
    ApiError,
    ClientError,
    JobError,
    NotHangtagError,
    UnreachableError,
    WebhookError,
)
from hangtag_client.operator_results import (
    Dealt,
    Deleted,
    FailureGroup,
    Failures,
    Matter,
    Overview,
    Queue,
    Queues,
    Worker,
)
from hangtag_client.results import (
    Batch,
    BatchAnswer,
    BatchItem,
    Classification,
    Epoch,
    Job,
    Listing,
    ModelVersion,
    Promotion,
    Suggestion,
    Why,
)
from hangtag_client.training_results import (
    Comparison,
    DatasetVersion,
    Difference,
    Forecast,
    LiveComparison,
    PairedFigures,
    Sweep,
    Trial,
    TrialMetrics,
)
from hangtag_client.webhooks import verify_webhook

__all__ = [
    "ApiError",
    "AsyncClient",
    "Batch",
    "BatchAnswer",
    "BatchItem",
    "Classification",
    "Client",
    "ClientError",
    "Comparison",
    "DatasetVersion",
    "Dealt",
    "Deleted",
    "Difference",
    "Epoch",
    "FailureGroup",
    "Failures",
    "Forecast",
    "Job",
    "JobError",
    "Listing",
    "LiveComparison",
    "Matter",
    "ModelVersion",
    "NotHangtagError",
    "Overview",
    "PairedFigures",
    "Promotion",
    "Queue",
    "Queues",
    "Suggestion",
    "Sweep",
    "Trial",
    "TrialMetrics",
    "UnreachableError",
    "WebhookError",
    "Why",
    "Worker",
    "verify_webhook",
]
