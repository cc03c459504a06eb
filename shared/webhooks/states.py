"""What a webhook message may be about, and where one stands."""

from __future__ import annotations

from enum import StrEnum

from shared.jobs.states import JobState


class WebhookEvent(StrEnum):
    """What happened."""

    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"  # also a job that is in quarantine
    JOB_CANCELLED = "job.cancelled"
    BATCH_FINISHED = "batch.finished"  # every file of a batch has its outcome, for the first time
    VERSION_PROMOTED = "version.promoted"  # another version is champion; for administrators
    TEST = "test"  # somebody pressed the button


# What an endpoint can ask for. A test is for the endpoint it was asked for, whatever else that wants.
SUBSCRIBABLE = tuple(event for event in WebhookEvent if event is not WebhookEvent.TEST)
FOR_ADMINS = frozenset({WebhookEvent.VERSION_PROMOTED})
EVENT_OF_STATE = {
    JobState.SUCCEEDED: WebhookEvent.JOB_SUCCEEDED,
    JobState.FAILED: WebhookEvent.JOB_FAILED,
    JobState.QUARANTINED: WebhookEvent.JOB_FAILED,
    JobState.CANCELLED: WebhookEvent.JOB_CANCELLED,
}


class DeliveryState(StrEnum):
    """Where one message to one endpoint stands."""

    WAITING = "waiting"  # for its first attempt or its next
    SENDING = "sending"  # an attempt is under way
    DELIVERED = "delivered"  # the receiver answered with 2xx
    FAILED = "failed"  # no attempt is left; it can be sent again by hand
