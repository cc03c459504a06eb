"""The settings that Hangtag starts with, in the audit log whenever they differ from the last start's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Action
from shared.database import take_turn
from shared.settings import Settings

# Not even a digest of it: that would tell which of two guesses is right.
NEVER = frozenset({"secret_key"})
HIDDEN = "***"


def note_settings(session: Session, settings: Settings) -> None:
    """Record names and values, without secrets, unless the last start was with the same."""
    values = plain_values(settings)
    take_turn(session, audit.TURN)
    last = audit.latest(session, Action.SETTINGS_CHANGED)
    before = last.details.get("settings", {}) if last else {}
    if values == before:
        return
    changed = sorted(name for name in {*values, *before} if values.get(name) != before.get(name))
    said = {"changed": changed, "settings": values}
    audit.record(session, audit.SYSTEM, Action.SETTINGS_CHANGED, f"{len(changed)} settings", said)


def plain_values(settings: Settings) -> dict[str, Any]:
    """The settings by variable, as JSON has them; passwords within addresses are hidden."""
    return {
        f"HANGTAG_{name.upper()}": _plain(value)
        for name, value in sorted(asdict(settings).items())
        if name not in NEVER
    }


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [str(item) for item in value]
    if value is None or isinstance(value, int):
        return value
    return _without_password(str(value))


def _without_password(text: str) -> str:
    """An address without its password, and without its query, where some drivers take one too."""
    parts = urlsplit(text)
    if not parts.scheme or not (parts.password or parts.query):
        return text
    place = parts.netloc
    if parts.password:
        user, _, host = place.rpartition("@")
        place = f"{user.partition(':')[0]}:{HIDDEN}@{host}"
    return parts._replace(netloc=place, query=HIDDEN if parts.query else "").geturl()
