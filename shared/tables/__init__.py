"""The database tables. Job state, photos, predictions and versions all live here and nowhere else."""

from shared.tables.accounts import ApiKey, SignInAttempt, SignInLink, User, WebSession
from shared.tables.audit import AuditEvent
from shared.tables.base import MAX_INTEGER, Base, new_id
from shared.tables.batches import Batch, BatchItem
from shared.tables.datasets import DatasetExample, DatasetReport, DatasetVersion, Example
from shared.tables.engines import EngineGate
from shared.tables.jobs import HELD_IN_QUARANTINE, OPEN_FAILURE, Attempt, IdempotencyKey, Job, JobLog
from shared.tables.listings import DECIDED, CategoryChoice, Listing, ListingPhoto
from shared.tables.models import Alias, AliasChange, EvaluatedPhoto, ModelVersion, TrainingEpoch, VersionNote
from shared.tables.overview import HourlyFigures
from shared.tables.photos import DeletedPhoto, Photo, Prediction
from shared.tables.reviews import Review
from shared.tables.sweeps import SweepTrial
from shared.tables.webhooks import WebhookDelivery, WebhookEndpoint
from shared.tables.workers import WorkerHeartbeat

__all__ = [
    "DECIDED",
    "HELD_IN_QUARANTINE",
    "MAX_INTEGER",
    "OPEN_FAILURE",
    "Alias",
    "AliasChange",
    "ApiKey",
    "Attempt",
    "AuditEvent",
    "Base",
    "Batch",
    "BatchItem",
    "CategoryChoice",
    "DatasetExample",
    "DatasetReport",
    "DatasetVersion",
    "DeletedPhoto",
    "EngineGate",
    "EvaluatedPhoto",
    "Example",
    "HourlyFigures",
    "IdempotencyKey",
    "Job",
    "JobLog",
    "Listing",
    "ListingPhoto",
    "ModelVersion",
    "Photo",
    "Prediction",
    "Review",
    "SignInAttempt",
    "SignInLink",
    "SweepTrial",
    "TrainingEpoch",
    "User",
    "VersionNote",
    "WebSession",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WorkerHeartbeat",
    "new_id",
]
