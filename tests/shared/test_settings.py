"""Settings: read once, named when wrong, never a hidden default where it matters."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.settings import EngineChoice, Environment, load_settings

STRONG = "k3" * 20


def test_an_empty_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_url == f"sqlite:///{tmp_path}/data/hangtag.db"
    assert settings.redis_url is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.engine is EngineChoice.AUTO
    assert settings.env is Environment.DEVELOPMENT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HANGTAG_PORT", "eighty"),
        ("HANGTAG_PORT", "0"),
        ("HANGTAG_PORT", "65536"),
        ("HANGTAG_ENGINE", "abacus"),
        ("HANGTAG_ENV", "staging"),
        ("HANGTAG_DATABASE_URL", "mysql://somewhere"),
        ("HANGTAG_REDIS_URL", "http://somewhere"),
        ("HANGTAG_BLOB_URL", "ftp://somewhere"),
        ("HANGTAG_BASE_WEIGHTS", "/no/such/file.h5"),
        ("HANGTAG_BASE_WEIGHTS_DIGEST", "abc"),
        ("HANGTAG_THREADS", "-1"),
        ("HANGTAG_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}='{value}'"):
        load_settings({"HANGTAG_DATA_DIR": str(tmp_path), name: value})


def test_a_misspelled_variable_is_not_ignored(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HANGTAG_PROT is not a setting"):
        load_settings({"HANGTAG_DATA_DIR": str(tmp_path), "HANGTAG_PROT": "8001"})


def test_a_value_of_blanks_counts_as_not_set(tmp_path: Path) -> None:
    settings = load_settings({"HANGTAG_DATA_DIR": str(tmp_path), "HANGTAG_PORT": "  "})
    assert settings.port == 8000


def test_the_development_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = load_settings({"HANGTAG_DATA_DIR": str(tmp_path)})
    second = load_settings({"HANGTAG_DATA_DIR": str(tmp_path)})
    assert first.secret_key == second.secret_key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize("key", ["", "short", "change-me-" * 5, "this-is-the-default-key-of-the-sample"])
def test_production_refuses_a_missing_or_weak_key(tmp_path: Path, key: str) -> None:
    environment = {
        "HANGTAG_DATA_DIR": str(tmp_path),
        "HANGTAG_ENV": "production",
        "HANGTAG_SECRET_KEY": key,
    }
    with pytest.raises(SettingsError, match="HANGTAG_SECRET_KEY"):
        load_settings(environment)
    assert not (tmp_path / "secret_key").exists()


def test_production_takes_a_strong_key(tmp_path: Path) -> None:
    environment = {"HANGTAG_DATA_DIR": str(tmp_path), "HANGTAG_ENV": "production"}
    assert load_settings({**environment, "HANGTAG_SECRET_KEY": STRONG}).production


def test_settings_cannot_be_changed_after_the_start(tmp_path: Path) -> None:
    settings = load_settings({"HANGTAG_DATA_DIR": str(tmp_path)})
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]  # that it is refused is the point
