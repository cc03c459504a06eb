"""The settings of a start in the audit log: when they change, and never a secret."""

from __future__ import annotations

import dataclasses
import json

from shared import audit
from shared.audit import Action
from shared.database import Database
from shared.settings import Settings
from shared.settings_log import note_settings, plain_values


def noted(database: Database, settings: Settings) -> list[dict[str, object]]:
    with database.write() as session:
        note_settings(session, settings)
    with database.read() as session:
        found = audit.page(session, audit.Filter(Action.SETTINGS_CHANGED)).items
    return [event.details for event in found]


def test_the_same_settings_are_noted_once_and_changed_ones_again(
    database: Database, settings: Settings
) -> None:
    assert len(noted(database, settings)) == 1
    assert len(noted(database, settings)) == 1
    newest, _ = noted(database, dataclasses.replace(settings, quota_trainings=1))
    assert newest["changed"] == ["HANGTAG_QUOTA_TRAININGS"]


def test_no_secret_is_among_them(settings: Settings) -> None:
    values = plain_values(
        dataclasses.replace(
            settings,
            database_url="postgresql://hangtag:geheim@db:5432/hangtag?sslmode=require&password=geheim",
            redis_url="redis://:geheim@redis:6379/0",
        )
    )
    assert "geheim" not in json.dumps(values)
    assert settings.secret_key not in json.dumps(values)
    assert values["HANGTAG_REDIS_URL"] == "redis://:***@redis:6379/0"
    assert values["HANGTAG_TRUSTED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
