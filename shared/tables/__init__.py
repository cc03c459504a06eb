"""The database tables. Job state, photos, predictions and versions all live here and nowhere else."""

from shared.tables.accounts import ApiKey, SignInLink, User, WebSession
from shared.tables.base import MAX_INTEGER, Base, new_id
from shared.tables.batches import Batch, BatchItem
from shared.tables.datasets import DatasetExample, DatasetVersion, Example
from shared.tables.jobs import OPEN_FAILURE, Attempt, IdempotencyKey, Job
from shared.tables.models import Alias, AliasChange, ModelVersion, TrainingEpoch
from shared.tables.photos import DeletedPhoto, Photo, Prediction
from shared.tables.workers import WorkerHeartbeat

__all__ = [
    "MAX_INTEGER",
    "OPEN_FAILURE",
    "Alias",
    "AliasChange",
    "ApiKey",
    "Attempt",
    "Base",
    "Batch",
    "BatchItem",
    "DatasetExample",
    "DatasetVersion",
    "DeletedPhoto",
    "Example",
    "IdempotencyKey",
    "Job",
    "ModelVersion",
    "Photo",
    "Prediction",
    "SignInLink",
    "TrainingEpoch",
    "User",
    "WebSession",
    "WorkerHeartbeat",
    "new_id",
]
