"""Everything that has to be there before the processes start. What was done before is not done again."""

from __future__ import annotations

import os
from pathlib import Path

import redis
from rich.console import Console

from cli.local import KEY_FILE
from cli.start import engine
from cli.start.stages import stage
from shared import accounts
from shared.database import Database
from shared.errors import SettingsError
from shared.migrate import upgrade
from shared.models.starter import ensure_starter
from shared.redis_client import impatient_client
from shared.settings import Settings
from shared.settings_log import note_settings
from worker.network.base_weights import fetch_base_weights

REDIS_SECONDS = 5.0
LOCAL_KEY_NAME = "command line of this machine"


def prepare(settings: Settings, console: Console) -> str:
    """Bring the data folder to what this release needs. Returns the token of a new sign-in link."""
    with stage(console, "Database") as step:
        step.says(f"at revision {upgrade(settings)}")
    if settings.redis_url is not None:
        with stage(console, "Redis") as step:
            step.says(f"answers, version {_redis_version(settings)}")
    with stage(console, "Base weights") as step:
        weights = fetch_base_weights(settings, step.bytes_done)
        step.says(f"from {weights.source}, digest {weights.path.name[:12]}… checked")
    with stage(console, "Starter version") as step:
        number = ensure_starter(settings)
        step.says("nothing to add" if number is None else f"registered as version {number}")
    engine.prepare(settings, console)
    with stage(console, "Sign-in") as step:
        token = credentials(settings)
        _note_settings(settings)
        step.says(f"command line key in {settings.data_dir / KEY_FILE}")
    return token


def _note_settings(settings: Settings) -> None:
    database = Database(settings.database_url)
    try:
        with database.write() as session:
            note_settings(session, settings)
    finally:
        database.close()


def _redis_version(settings: Settings) -> str:
    """The version of the Redis that HANGTAG_REDIS_URL names.

    Raises:
        SettingsError: it does not answer.
    """
    client = impatient_client(settings, REDIS_SECONDS)
    try:
        return str(client.info("server")["redis_version"])
    except redis.RedisError as error:
        # Not the address itself: it may hold a password.
        raise SettingsError(
            f"The Redis that HANGTAG_REDIS_URL names does not answer ({type(error).__name__}). Start it, "
            "correct the address, or leave the variable out to use a Redis of Hangtag's own."
        ) from error
    finally:
        client.close()


def credentials(settings: Settings) -> str:
    """See that there are an administrator and a key for this machine. Returns the token of a sign-in link."""
    database = Database(settings.database_url)
    path = settings.data_dir / KEY_FILE
    try:
        with database.write() as session:
            admin = accounts.ensure_admin(session)
            if not path.is_file() or accounts.key_owner(session, path.read_text().strip()) is None:
                _, text = accounts.create_key(session, admin.id, LOCAL_KEY_NAME, list(accounts.SCOPES))
                _write_private(path, text)
            return accounts.create_sign_in_link(session, admin.id)
    finally:
        database.close()


def _write_private(path: Path, text: str) -> None:
    """Write for our eyes only, whole or not at all."""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    draft.replace(path)
