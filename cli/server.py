"""The command line's way to the server: the Python client, with its errors as sentences for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import hangtag_client
from cli.local import api_key, local_settings, server_address
from cli.outcome import NotAllowedError, RefusedError, UnreachableError
from hangtag_client import ApiError, Client, NotHangtagError
from shared.errors import HangtagError, ValidationError

UNKNOWN_KEY = (
    "The server does not know this key: it is wrong, has expired or was revoked. Make another with "
    "'hangtag key create' on the server and set HANGTAG_API_KEY to it; on the server itself, unset it."
)


@contextmanager
def connect() -> Iterator[Client]:
    """A client for the server that the environment names.

    Raises:
        SettingsError: a variable is wrong, or there is no key.
        UnreachableError: nobody answers there.
        NotAllowedError: the key may not do this.
        ValidationError: the server cannot use what was typed.
        RefusedError: the server refused.
    """
    settings = local_settings()
    url = server_address(settings)
    # Somebody waits: a server that was never reached is not waited for. One that goes away meanwhile is.
    with Client(url, api_key(settings), patient=False) as client:
        try:
            yield client
        except NotHangtagError as error:
            raise UnreachableError(f"{error} HANGTAG_URL sets it.") from error
        except hangtag_client.UnreachableError as error:
            raise UnreachableError(
                f"Hangtag does not answer at {url}. Start it with 'hangtag run', or set HANGTAG_URL to where "
                "it runs."
            ) from error
        except ApiError as error:
            raise refusal(error) from error


def refusal(error: ApiError) -> HangtagError:
    """What the server refused, as an error of the command line."""
    if error.status == 401:
        return NotAllowedError(UNKNOWN_KEY)
    if error.status == 403:
        return NotAllowedError(f"{error} Set HANGTAG_API_KEY to a key that may do this.")
    if error.code == "database_unavailable":
        return UnreachableError(str(error))
    if error.code == "promotion_refused":
        failed = "".join(f"\n- {sentence}" for sentence in error.fields.values())
        return RefusedError(f"The gate refuses this version:{failed}\nIf you know better: --override.")
    if error.code == ValidationError.code:
        return ValidationError(str(error))
    later = f" Try again in {error.retry_after:.0f} s." if error.retry_after else ""
    return RefusedError(f"{error}{later}")
