"""Errors a caller can act on. Each has a stable code and a sentence that says what to do."""

from __future__ import annotations

from typing import ClassVar


class HangtagError(Exception):
    """Something went wrong that Hangtag can explain."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        super().__init__(self.message)


class PermanentError(HangtagError):
    """Trying again will not help."""


class TransientError(HangtagError):
    """Trying again later may help."""


class SettingsError(PermanentError):
    """A setting is missing or wrong."""

    code = "settings_invalid"


class NotFoundError(PermanentError):
    """There is nothing under this address. Check the id."""

    code = "not_found"
    status = 404


class ConflictError(PermanentError):
    """This cannot be done in the present state."""

    code = "conflict"
    status = 409


class PreconditionFailedError(PermanentError):
    """This has changed since you last looked at it. Look again, then decide."""

    code = "precondition_failed"
    status = 412


class PreconditionRequiredError(PermanentError):
    """Send the ETag of what you saw as If-Match, so that nothing is decided on what has changed since."""

    code = "precondition_required"
    status = 428


class ValidationError(PermanentError):
    """Some of the values sent cannot be used."""

    code = "validation_error"
    status = 422


class UnsupportedTypeError(PermanentError):
    """Send the table as text/csv."""

    code = "unsupported_media_type"
    status = 415


class PhotoError(PermanentError):
    """The photo cannot be used. Please send another one."""

    code = "image_corrupt"
    status = 422


class PhotoEmptyError(PhotoError):
    """The file is empty. Please choose the photo again."""

    code = "image_empty"


class PhotoTypeError(PhotoError):
    """Hangtag takes JPEG, PNG and WebP photos. Please convert this file or choose another one."""

    code = "unsupported_media_type"
    status = 415


class PhotoCorruptError(PhotoError):
    """The photo is damaged and cannot be read to its end. Please choose another one."""

    code = "image_corrupt"


class PhotoTooLargeError(PhotoError):
    """The photo has too many pixels. Please send one of at most 40 megapixels."""

    code = "image_too_large"


class PhotoTooManyBytesError(PhotoError):
    """The file is larger than 10 MiB. Please send a smaller one."""

    code = "payload_too_large"
    status = 413


class TooManyPartsError(PermanentError):
    """The request has too many parts. Please send fewer at once."""

    code = "too_many_parts"
    status = 413


class PhotoDeletedError(ConflictError):
    """The photo of this job was deleted, so it cannot be tried again."""

    code = "photo_deleted"


class ArchiveTypeError(PermanentError):
    """This is not a zip archive. Please send a .zip file, or the photos themselves."""

    code = "unsupported_media_type"
    status = 415


class ArchiveError(PermanentError):
    """The zip archive is damaged. Please make it again."""

    code = "archive_corrupt"
    status = 422


class ArchiveEmptyError(ArchiveError):
    """There are no files in this zip archive. Please put your photos into it."""

    code = "archive_empty"


class ArchiveUnsafeError(ArchiveError):
    """Hangtag does not open this zip archive. Please put your photos into a plain, new one."""

    code = "archive_unsafe"


class PhotoTooSmallError(PhotoError):
    """The photo is too small to recognise anything. Please send one of at least 32 by 32 pixels."""

    code = "image_too_small"


class PhotoShapeError(PhotoError):
    """The photo is far too long and thin. Please crop it to the item."""

    code = "image_bad_shape"


class PhotoAnimatedError(PhotoError):
    """Animations are not supported. Please send a still photo."""

    code = "animation_not_supported"


class PromotionRefusedError(ConflictError):
    """The gate refuses this version. Look at the failed checks; override them with a reason if you must."""

    code = "promotion_refused"

    def __init__(self, version: int, failed: dict[str, str]) -> None:
        self.fields = [{"field": name, "message": detail} for name, detail in failed.items()]
        super().__init__(
            f"Version {version} does not become the champion: {' '.join(failed.values())} "
            "If you know better, override the gate and say why."
        )


class DatasetBlockedError(ConflictError):
    """The report on this dataset version blocks trainings. Mend what it names, then make a new version."""

    code = "dataset_blocked"

    def __init__(self, version: int, blocking: dict[str, str]) -> None:
        self.fields = [{"field": name, "message": detail} for name, detail in blocking.items()]
        super().__init__(
            f"Dataset version {version} cannot be trained on: {' '.join(blocking.values())} "
            "Relabel or take out the photos that its report shows, then make a new version."
        )


class BlobMissingError(PermanentError):
    """The photo's file is gone from storage. Please upload it again."""

    code = "blob_missing"
    status = 404


class PhotoGoneError(TransientError):
    """A photo of the dataset is gone. If it was deleted, the next attempt goes on without it."""

    code = "photo_gone"


class StorageFullError(TransientError):
    """There is no room left to store the photo. Please try again later."""

    code = "storage_full"
    status = 507


class StorageUnavailableError(TransientError):
    """The photo storage does not answer at the moment. Please try again shortly."""

    code = "storage_unavailable"
    status = 503


class DatabaseUnavailableError(TransientError):
    """The database does not answer at the moment. Please try again shortly."""

    code = "database_unavailable"
    status = 503


class NoChampionError(TransientError):
    """No model version serves yet. An administrator has to train or promote one."""

    code = "no_champion"
    status = 503


class ChecksumError(PermanentError):
    """A model file differs from what was registered and is refused."""

    code = "model_checksum_mismatch"
    status = 409


class BaseWeightsError(PermanentError):
    """The ImageNet weights of Xception could not be had from any source."""

    code = "base_weights_unavailable"


class ParityError(PermanentError):
    """An engine's answers differ too much from the reference and it may not serve."""

    code = "engine_parity_failed"


class LeaseLostError(HangtagError):
    """Another attempt owns the job now; what this one did is thrown away."""

    code = "lease_lost"


class CancelledError(HangtagError):
    """The job was asked to stop."""

    code = "cancelled"


class AlreadyFinishedError(ConflictError):
    """The job has already ended and cannot be cancelled any more."""

    code = "already_finished"


class NotRetryableError(ConflictError):
    """Only a job that failed, was cancelled or is in quarantine can be tried again."""

    code = "not_retryable"


class QuarantinedError(ConflictError):
    """Hangtag broke down on this every time it tried. Ask an administrator to release it."""

    code = "quarantined"


class NotDiscardableError(ConflictError):
    """Only a job that failed or is in quarantine, and was not tried again, can be discarded."""

    code = "not_discardable"


class NotInQuarantineError(ConflictError):
    """This job is not in quarantine, so there is nothing to release. Try it again instead."""

    code = "not_in_quarantine"


class UnauthenticatedError(PermanentError):
    """Send an API key as "Authorization: Bearer <key>", or sign in."""

    code = "unauthenticated"
    status = 401


class InsufficientScopeError(PermanentError):
    """Your key or account may not do this. Ask an administrator for one that may."""

    code = "insufficient_scope"
    status = 403


class FileMissingError(PermanentError):
    """There is no photo in the request. Send it as the multipart field "photo"."""

    code = "file_missing"
    status = 400


class InvalidJsonError(PermanentError):
    """The body of the request is not JSON. Check it for missing quotes and commas."""

    code = "invalid_json"
    status = 400


class BatchFilesMissingError(PermanentError):
    """There is no photo in the request. Send photos as multipart fields "photo", or one zip as "archive"."""

    code = "file_missing"
    status = 400


class IdempotencyKeyError(ValidationError):
    """An Idempotency-Key has 1 to 200 visible ASCII characters."""

    code = "idempotency_key_invalid"


class IdempotencyKeyReusedError(ValidationError):
    """This Idempotency-Key was used for another request before. Use a new key for a new request."""

    code = "idempotency_key_reused"


class SignInRefusedError(ValidationError):
    """Name and password do not belong together. Try again, or ask an administrator for a link."""

    code = "sign_in_refused"


class UntrustedHostError(PermanentError):
    """Hangtag does not answer under this host name. Whoever runs it can add it to HANGTAG_TRUSTED_HOSTS."""

    code = "host_not_trusted"
    status = 400
