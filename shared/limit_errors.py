"""Errors of those who ask for more than there is room for, or than one person may have."""

from __future__ import annotations

from shared.errors import ConflictError, PermanentError, TransientError


class BusyError(TransientError):
    """Hangtag is taking in other large batches at the moment. Please try again shortly."""

    code = "busy"
    status = 503


class BusyWithYoursError(BusyError):
    """A large upload of yours is being taken in. Please send the next one when it has been answered."""

    status = 429


class TooManyAtOnceError(TransientError):
    """You are sending as many requests at once as one person may. Please send fewer side by side."""

    code = "too_many_at_once"
    status = 429


class RequestTooSlowError(TransientError):
    """The request came too slowly. Nothing of it was kept. Send it again on a better line."""

    code = "request_too_slow"
    status = 408


class TooManyStreamsError(TransientError):
    """Too many event streams are open at the moment. Poll the job instead, or try again shortly."""

    code = "too_many_streams"
    status = 503


class TooManyStreamsOfOneError(TooManyStreamsError):
    """You have as many event streams open as one person may. Close one, or poll the job instead."""

    status = 429


class RateLimitedError(TransientError):
    """Too many requests in a short time."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


class QuotaExceededError(PermanentError):
    """You have reached what one person may use here."""

    code = "quota_exceeded"
    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


class StorageQuotaError(ConflictError):
    """Your photos fill the room that is set aside for one person. Delete some, or ask an administrator."""

    code = "storage_quota_exceeded"


class TrainingQuotaError(ConflictError):
    """As many trainings of yours wait or run as one person may have. Wait for one to end, or cancel it."""

    code = "training_quota_exceeded"
