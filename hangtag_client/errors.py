"""What can go wrong, as exceptions that carry what the server said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNEXPLAINED = "The answer has status {status} and no explanation. See that Hangtag runs at this address."


class ClientError(Exception):
    """Anything this package raises about the server or a job."""


class UnreachableError(ClientError):
    """The server does not answer at its address, also after several tries."""


class NotHangtagError(UnreachableError):
    """What answers at the address is something else."""


class JobError(ClientError):
    """A job has no answer: it failed, was cancelled, or has not ended yet (`code` is then `not_finished`)."""

    def __init__(self, job_id: str, code: str, message: str) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.code = code


class WebhookError(ClientError):
    """A request is not a webhook that Hangtag has just sent. Answer it with 400 and forget it."""


class ApiError(ClientError):
    """The server refused a request (RFC 9457).

    `status` is the HTTP status, `code` the stable name of the reason, `detail` its sentence. The server's log
    has `request_id`; `fields` has a sentence per wrong field, `retry_after` the seconds to wait.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail") or UNEXPLAINED.format(status=status))
        self.request_id: str | None = problem.get("request_id")
        errors = problem.get("errors") or []
        self.fields = {str(error.get("field")): str(error.get("message")) for error in errors}
        self.retry_after = retry_after
        # Some details are the sentences of the fields already.
        more = [f"{name}: {text}" for name, text in self.fields.items() if text not in self.detail]
        super().__init__(" ".join([self.detail, *more]))
