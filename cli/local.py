"""What the commands know of this machine: its settings, where its server is, and the key kept for it."""

from __future__ import annotations

import os
import secrets
from urllib.parse import urlsplit

from shared.errors import SettingsError
from shared.settings import Settings, load_settings

KEY_FILE = "cli_key"


def local_settings() -> Settings:
    """The settings for commands that use no secret, so that asking never creates one on disk.

    Raises:
        SettingsError: a variable is wrong.
    """
    unused = {"HANGTAG_SECRET_KEY": secrets.token_hex(32), "HANGTAG_SECRET_KEY_FILE": ""}
    return load_settings({**os.environ, **unused})


def local_address(settings: Settings) -> str:
    """Where a client on this machine reaches the server that these settings start."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - a name, no bind
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def server_address(settings: Settings) -> str:
    """HANGTAG_URL, else where the server of this machine is.

    Raises:
        SettingsError: HANGTAG_URL is no web address.
    """
    url = os.environ.get("HANGTAG_URL", "").strip().rstrip("/")
    if url and not _is_web_address(url):
        raise SettingsError(
            f"HANGTAG_URL is {url!r}, which is no web address. Set it to one such as http://127.0.0.1:8000."
        )
    return url or local_address(settings)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is never closed
        return False


def api_key(settings: Settings) -> str:
    """HANGTAG_API_KEY, else the key that `hangtag run` keeps for this machine.

    Raises:
        SettingsError: there is neither.
    """
    key = os.environ.get("HANGTAG_API_KEY", "").strip()
    if key:
        return key
    try:
        return (settings.data_dir / KEY_FILE).read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"There is no API key: {settings.data_dir / KEY_FILE} cannot be read. Start Hangtag with "
            "'hangtag run' and wait until it serves, set HANGTAG_DATA_DIR to the folder of one that runs, "
            "or set HANGTAG_API_KEY to a key made with 'hangtag key create'."
        ) from error
