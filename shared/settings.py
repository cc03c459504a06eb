"""All settings, read once from the environment into one frozen object."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from shared.errors import SettingsError

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Beside the code, so that it is the same one wherever the command is called.
DEFAULT_DATA_DIR = Path(__file__).resolve().parents[1] / "data"
# Design, section 7: SHA-256 over the little-endian float32 bytes in get_weights() order.
IMAGENET_XCEPTION_DIGEST = "dd8fa9fc31ba124382395512a133fe425aa5c6667b16e5832bb79910d1b77829"
# 256 bits as text; shorter keys can be guessed from one signed cookie.
MIN_SECRET_CHARACTERS = 32
# No limit that is meant needs more, and it fits into every database's integer.
MOST = 2_000_000_000
WEAK_SECRETS = ("change", "secret", "example", "sample", "default", "password")


class Environment(StrEnum):
    """How strict the start is."""

    DEVELOPMENT = "development"  # a missing secret key is made and kept in the data folder
    PRODUCTION = "production"  # a missing or weak secret key stops the start


class EngineChoice(StrEnum):
    """Which engine computes features."""

    AUTO = "auto"  # keras on a GPU, openvino-int8 without one
    KERAS = "keras"
    OPENVINO = "openvino"  # in full precision
    OPENVINO_INT8 = "openvino-int8"  # in 8 bits where the version passed its gate, else in full precision


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
    imagenet_dir: Path | None  # a folder with the two files of Keras that know ImageNet's 1000 labels
    env: Environment
    threads: int  # CPU threads of one engine
    history_days: int  # how long the attempts of jobs are kept; jobs themselves stay
    log_format: str  # "text" for people, "json" for machines
    trusted_hosts: tuple[str, ...]  # names under which browsers and programs may ask
    proxy_hops: int  # proxies in front whose X-Forwarded-* headers are believed
    # Requests per minute; 0 does not limit. A thousand photos at once stay below each of them.
    rate_anonymous: int  # per address, of callers nobody knows
    rate_reads: int  # per person; a single key gets half
    rate_writes: int  # per person; a single key gets half
    # What one person may use; 0 does not limit.
    quota_photos_per_day: int
    quota_waiting_jobs: int
    quota_listings_per_day: int
    quota_storage_gb: int
    quota_trainings: int  # waiting or running at once
    quota_webhooks: int
    webhook_http: bool  # whether webhooks may go to http addresses, too
    webhook_networks: tuple[Network, ...]  # private networks that webhooks may reach

    @property
    def production(self) -> bool:
        """True where a weak set-up must stop the start instead of being helped along."""
        return self.env is Environment.PRODUCTION


VARIABLES = tuple(f"HANGTAG_{name.upper()}" for name in Settings.__dataclass_fields__)
# What holds secrets can be given as the path of a file instead, in the variable with _FILE at its end.
SECRET_VARIABLES = ("HANGTAG_SECRET_KEY", "HANGTAG_DATABASE_URL", "HANGTAG_REDIS_URL")
FILE_VARIABLES = tuple(f"{name}_FILE" for name in SECRET_VARIABLES)
# Who asks from this machine itself, like a health check, uses no other name.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - recognised, not bound


def _parse(env: Mapping[str, str], name: str, default: str, convert: Callable[[str], T]) -> T:
    """Convert one variable, naming it when its value cannot be used; a secret is not repeated in that."""
    variable = f"HANGTAG_{name}"
    raw = env.get(variable, "").strip() or default
    try:
        return convert(raw)
    except ValueError as error:
        shown = variable if variable in SECRET_VARIABLES else f"{variable}={raw!r}"
        raise SettingsError(f"{shown} cannot be used: {error}") from error


def _between(low: int, high: int) -> Callable[[str], int]:
    def convert(raw: str) -> int:
        if not raw.isdecimal() or not low <= int(raw) <= high:
            raise ValueError(f"it must be a whole number from {low} to {high}.")
        return int(raw)

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


def _existing_folder(raw: str) -> Path | None:
    if not raw:
        return None
    path = Path(raw).expanduser().resolve()
    if not path.is_dir():
        raise ValueError("there is no such folder.")
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


def _with_files(env: Mapping[str, str]) -> dict[str, str]:
    """The environment with the content of the files that hold secrets.

    Raises:
        SettingsError: a file cannot be read or is empty, or a secret is given in both ways.
    """
    found = dict(env)
    for name in SECRET_VARIABLES:
        path = found.get(f"{name}_FILE", "").strip()
        if not path:
            continue
        if found.get(name, "").strip():
            raise SettingsError(f"{name} and {name}_FILE are both set. Set one of them.")
        try:
            found[name] = Path(path).expanduser().read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}_FILE={path!r} cannot be read: {error}.") from error
        if not found[name]:
            raise SettingsError(f"{name}_FILE={path!r} is empty.")
    return found


def _trusted_hosts(env: Mapping[str, str], environment: Environment, host: str) -> tuple[str, ...]:
    named = _parse(env, "TRUSTED_HOSTS", "", _host_names)
    if environment is Environment.PRODUCTION and not named:
        raise SettingsError(
            "HANGTAG_TRUSTED_HOSTS must name the hosts under which Hangtag is reached, for example "
            "hangtag.example.org: whoever could choose the host could choose where its links lead."
        )
    bound = () if host in ALL_ADDRESSES else (f"[{host}]" if ":" in host else host,)
    return tuple(dict.fromkeys((*named, *bound, *LOCAL_HOSTS)))


def _webhook_http(env: Mapping[str, str], environment: Environment) -> bool:
    usual = "no" if environment is Environment.PRODUCTION else "yes"
    return _parse(env, "WEBHOOK_HTTP", usual, _one_of("yes", "no")) == "yes"


def _networks(raw: str) -> tuple[Network, ...]:
    """Networks like 10.20.0.0/16, by commas."""
    return tuple(ipaddress.ip_network(part.strip()) for part in raw.split(",") if part.strip())


def _host_names(raw: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in raw.split(",") if name.strip())
    for name in names:
        if "/" in name or "*" in name or " " in name:
            raise ValueError(f"{name!r} is no host name; use names like shop.example.org or .example.org.")
    return names


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `env` (default: the process environment).

    Raises:
        SettingsError: a variable is missing, wrong or unknown; the message names it.
    """
    env = _with_files(os.environ if env is None else env)
    unknown = sorted(
        name
        for name in env
        if name.startswith("HANGTAG_") and name not in (*VARIABLES, *FILE_VARIABLES, *CLIENT_VARIABLES)
    )
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting. Settings are: {', '.join(VARIABLES)}.")
    environment = _parse(env, "ENV", "development", Environment)
    data_dir = _parse(env, "DATA_DIR", str(DEFAULT_DATA_DIR), lambda raw: Path(raw).expanduser().resolve())
    host = env.get("HANGTAG_HOST", "").strip() or "127.0.0.1"
    return Settings(
        data_dir=data_dir,
        database_url=_parse(
            env, "DATABASE_URL", f"sqlite:///{data_dir}/hangtag.db", _scheme("sqlite:///", "postgresql")
        ),
        redis_url=_parse(env, "REDIS_URL", "", _redis_url),
        blob_url=_parse(env, "BLOB_URL", data_dir.joinpath("blobs").as_uri(), _scheme("file:///", "s3://")),
        host=host,
        port=_parse(env, "PORT", "8000", _between(1, 65535)),
        secret_key=_secret_key(env, environment, data_dir),
        engine=_parse(env, "ENGINE", "auto", EngineChoice),
        base_weights=_parse(env, "BASE_WEIGHTS", "", _existing_file),
        base_weights_digest=_parse(env, "BASE_WEIGHTS_DIGEST", IMAGENET_XCEPTION_DIGEST, _digest),
        imagenet_dir=_parse(env, "IMAGENET_DIR", "", _existing_folder),
        env=environment,
        threads=_parse(env, "THREADS", str(os.cpu_count() or 1), _between(1, 1024)),
        history_days=_parse(env, "HISTORY_DAYS", "90", _between(1, 36_500)),
        log_format=_parse(env, "LOG_FORMAT", "text", _one_of("text", "json")),
        trusted_hosts=_trusted_hosts(env, environment, host),
        proxy_hops=_parse(env, "PROXY_HOPS", "0", _between(0, 10)),
        rate_anonymous=_parse(env, "RATE_ANONYMOUS", "600", _between(0, MOST)),
        rate_reads=_parse(env, "RATE_READS", "30000", _between(0, MOST)),
        rate_writes=_parse(env, "RATE_WRITES", "6000", _between(0, MOST)),
        quota_photos_per_day=_parse(env, "QUOTA_PHOTOS_PER_DAY", "50000", _between(0, MOST)),
        quota_waiting_jobs=_parse(env, "QUOTA_WAITING_JOBS", "50000", _between(0, MOST)),
        quota_listings_per_day=_parse(env, "QUOTA_LISTINGS_PER_DAY", "10000", _between(0, MOST)),
        quota_storage_gb=_parse(env, "QUOTA_STORAGE_GB", "100", _between(0, MOST)),
        quota_trainings=_parse(env, "QUOTA_TRAININGS", "20", _between(0, MOST)),
        quota_webhooks=_parse(env, "QUOTA_WEBHOOKS", "10", _between(0, MOST)),
        webhook_http=_webhook_http(env, environment),
        webhook_networks=_parse(env, "WEBHOOK_NETWORKS", "", _networks),
    )


def _redis_url(raw: str) -> str | None:
    return _scheme("redis://", "rediss://", "redis+socket://")(raw) if raw else None


# Read by the command line and the tests, not by the server.
CLIENT_VARIABLES = ("HANGTAG_API_KEY", "HANGTAG_URL", "HANGTAG_TEST_PHOTOS", "HANGTAG_TEST_BASE_WEIGHTS")
