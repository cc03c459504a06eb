"""All checks, in an order in which an earlier one explains a later one."""

from __future__ import annotations

import os
from collections.abc import Callable

from cli.doctor import engines, machine, services
from cli.doctor.finding import Finding, bad, ok
from cli.local import local_settings
from shared.errors import HangtagError, SettingsError
from shared.settings import Settings, load_settings

CHECKS: tuple[tuple[str, Callable[[Settings], Finding]], ...] = (
    ("python", machine.python),
    ("libraries", machine.libraries),
    ("gpu", machine.gpu),
    ("redis program", services.redis_program),
    ("redis", services.redis_answers),
    ("database", services.database),
    ("photo storage", services.photo_storage),
    ("disk", machine.disk),
    ("base weights", engines.base_weights),
    ("champion", engines.champion),
    ("engine", engines.engine),
    ("workers", services.workers),
)

SETTINGS = "settings"
SECRET_KEY_VARIABLES = ("HANGTAG_SECRET_KEY", "HANGTAG_SECRET_KEY_FILE")


def findings() -> list[Finding]:
    """Everything that was found. A check that breaks is itself a finding."""
    try:
        settings = local_settings()
    except SettingsError as error:
        return [bad(SETTINGS, error.message)]
    return [_settings(settings), *(_examined(name, check, settings) for name, check in CHECKS)]


def _settings(settings: Settings) -> Finding:
    """The secret key is checked only where it would be read, so that looking never creates one."""
    given = any(os.environ.get(name, "").strip() for name in SECRET_KEY_VARIABLES)
    if settings.production or given:
        try:
            load_settings()
        except SettingsError as error:
            return bad(SETTINGS, error.message)
    return ok(SETTINGS, f"{settings.env}, data folder {settings.data_dir}, engine {settings.engine}.")


def _examined(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except HangtagError as error:
        return bad(name, error.message)
    except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
        return bad(name, f"The check itself broke: {type(error).__name__}: {error}")
