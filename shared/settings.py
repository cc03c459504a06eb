"""All settings, read once from the environment into one frozen object."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from shared.errors import SettingsError

T = TypeVar("T")

# Design, section 7: SHA-256 over the little-endian float32 bytes in get_weights() order.
IMAGENET_XCEPTION_DIGEST = "dd8fa9fc31ba124382395512a133fe425aa5c6667b16e5832bb79910d1b77829"
# 256 bits as text; shorter keys can be guessed from one signed cookie.
MIN_SECRET_CHARACTERS = 32
WEAK_SECRETS = ("change", "secret", "example", "sample", "default", "password")


class Environment(StrEnum):
    """How strict the start is."""

    DEVELOPMENT = "development"  # a missing secret key is made and kept in the data folder
    PRODUCTION = "production"  # a missing or weak secret key stops the start


class EngineChoice(StrEnum):
    """Which engine computes features."""

    AUTO = "auto"  # keras on a GPU, openvino without one
    KERAS = "keras"
    OPENVINO = "openvino"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. The variable of a field is HANGTAG_ and its name in capitals."""

    data_dir: Path
    database_url: str
    redis_url: str | None  # None: an embedded Redis on a private socket in the data folder
    blob_url: str
    host: str
    port: int
    secret_key: str
    engine: EngineChoice
    base_weights: Path | None
    base_weights_digest: str
    env: Environment
    threads: int  # CPU threads of one engine
    log_format: str  # "text" for people, "json" for machines

    @property
    def production(self) -> bool:
        """True where a weak set-up must stop the start instead of being helped along."""
        return self.env is Environment.PRODUCTION


VARIABLES = tuple(f"HANGTAG_{name.upper()}" for name in Settings.__dataclass_fields__)


def _parse(env: Mapping[str, str], name: str, default: str, convert: Callable[[str], T]) -> T:
    """Convert one variable, naming it when its value cannot be used."""
    raw = env.get(f"HANGTAG_{name}", "").strip() or default
    try:
        return convert(raw)
    except ValueError as error:
        raise SettingsError(f"HANGTAG_{name}={raw!r} cannot be used: {error}") from error


def _between(low: int, high: int) -> Callable[[str], int]:
    def convert(raw: str) -> int:
        value = int(raw)
        if not low <= value <= high:
            raise ValueError(f"it must lie between {low} and {high}.")
        return value

    return convert


def _one_of(*allowed: str) -> Callable[[str], str]:
    def convert(raw: str) -> str:
        if raw not in allowed:
            raise ValueError(f"use one of {', '.join(allowed)}.")
        return raw

    return convert


def _scheme(*schemes: str) -> Callable[[str], str]:
    def convert(raw: str) -> str:
        if not raw.startswith(schemes):
            raise ValueError(f"it must start with one of {', '.join(schemes)}.")
        return raw

    return convert


def _digest(raw: str) -> str:
    if len(raw) != 64 or any(c not in "0123456789abcdef" for c in raw):
        raise ValueError("it must be a SHA-256 digest, 64 lower-case hexadecimal digits.")
    return raw


def _existing_file(raw: str) -> Path | None:
    if not raw:
        return None
    path = Path(raw).expanduser().resolve()
    if not path.is_file():
        raise ValueError("there is no such file.")
    return path


def _kept_secret(data_dir: Path) -> str:
    """The development secret key: made on first use, kept in the data folder, readable by its owner."""
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(MIN_SECRET_CHARACTERS))
    except FileExistsError:
        pass
    return path.read_text().strip()


def _secret_key(env: Mapping[str, str], environment: Environment, data_dir: Path) -> str:
    key = env.get("HANGTAG_SECRET_KEY", "").strip()
    if not key and environment is Environment.DEVELOPMENT:
        return _kept_secret(data_dir)
    weak = len(key) < MIN_SECRET_CHARACTERS or any(word in key.lower() for word in WEAK_SECRETS)
    if weak:
        raise SettingsError(
            f"HANGTAG_SECRET_KEY must be at least {MIN_SECRET_CHARACTERS} random characters; "
            "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return key


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `env` (default: the process environment).

    Raises:
        SettingsError: a variable is missing, wrong or unknown; the message names it.
    """
    env = os.environ if env is None else env
    unknown = sorted(
        name for name in env if name.startswith("HANGTAG_") and name not in (*VARIABLES, *CLIENT_VARIABLES)
    )
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting. Settings are: {', '.join(VARIABLES)}.")
    environment = _parse(env, "ENV", "development", Environment)
    data_dir = _parse(env, "DATA_DIR", "data", lambda raw: Path(raw).expanduser().resolve())
    return Settings(
        data_dir=data_dir,
        database_url=_parse(
            env, "DATABASE_URL", f"sqlite:///{data_dir}/hangtag.db", _scheme("sqlite:///", "postgresql")
        ),
        redis_url=_parse(env, "REDIS_URL", "", _redis_url),
        blob_url=_parse(env, "BLOB_URL", data_dir.joinpath("blobs").as_uri(), _scheme("file:///", "s3://")),
        host=env.get("HANGTAG_HOST", "").strip() or "127.0.0.1",
        port=_parse(env, "PORT", "8000", _between(1, 65535)),
        secret_key=_secret_key(env, environment, data_dir),
        engine=_parse(env, "ENGINE", "auto", EngineChoice),
        base_weights=_parse(env, "BASE_WEIGHTS", "", _existing_file),
        base_weights_digest=_parse(env, "BASE_WEIGHTS_DIGEST", IMAGENET_XCEPTION_DIGEST, _digest),
        env=environment,
        threads=_parse(env, "THREADS", str(os.cpu_count() or 1), _between(1, 1024)),
        log_format=_parse(env, "LOG_FORMAT", "text", _one_of("text", "json")),
    )


def _redis_url(raw: str) -> str | None:
    return _scheme("redis://", "rediss://", "redis+socket://")(raw) if raw else None


# Read by the command line and the tests, not by the server.
CLIENT_VARIABLES = ("HANGTAG_API_KEY", "HANGTAG_URL", "HANGTAG_TEST_PHOTOS", "HANGTAG_TEST_BASE_WEIGHTS")
