"""How a command ends: the status that a shell sees, and the sentence that says why."""

from __future__ import annotations

import errno
import sys
from enum import IntEnum

from shared.errors import DatabaseUnavailableError, HangtagError, SettingsError, ValidationError


class Status(IntEnum):
    """Exit statuses; docs/command-line.md explains them to users."""

    DONE = 0
    FAILED = 1  # the work failed, or was refused
    WRONG_CALL = 2  # an option, a setting or a file that cannot be used; Click's own choice
    UNREACHABLE = 3  # the server or its database does not answer
    NOT_ALLOWED = 4  # the key may not do this
    GOES_ON = 5  # the time is over and the work goes on
    ASKS = 6  # only with `classify --exit-code`: a person should choose
    # 128 and the number of the signal, as shells have it.
    INTERRUPTED = 130
    READER_GONE = 141


class UnreachableError(HangtagError):
    """Hangtag does not answer at its address."""

    code = "unreachable"


class NotAllowedError(HangtagError):
    """The key may not do this."""

    code = "not_allowed"


class RefusedError(HangtagError):
    """The server refused; the message is its own sentence."""

    code = "refused"


STATUSES: tuple[tuple[type[Exception], Status], ...] = (
    (SettingsError, Status.WRONG_CALL),
    (ValidationError, Status.WRONG_CALL),
    (UnreachableError, Status.UNREACHABLE),
    (DatabaseUnavailableError, Status.UNREACHABLE),
    (NotAllowedError, Status.NOT_ALLOWED),
    (BrokenPipeError, Status.READER_GONE),
    (FileNotFoundError, Status.WRONG_CALL),
    (IsADirectoryError, Status.WRONG_CALL),
    (NotADirectoryError, Status.WRONG_CALL),
    (PermissionError, Status.WRONG_CALL),
)


def status_of(error: Exception) -> Status:
    """The exit status for an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), Status.FAILED)


def sentence_of(error: HangtagError | OSError) -> str:
    """What to tell about an error, with what to do; empty when there is nobody left to tell."""
    if isinstance(error, HangtagError):
        return error.message
    if isinstance(error, BrokenPipeError):
        return ""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{place}There is no room left on the disk. Free some, then run the same command again."
    why = error.strerror or type(error).__name__
    return f"{place}{why}. See that it exists and that you may use it, then run the same command again."


def tell(error: HangtagError | OSError) -> Status:
    """Say on stderr what went wrong. Returns the exit status."""
    sentence = sentence_of(error)
    if sentence:
        print(sentence, file=sys.stderr)
    return status_of(error)
