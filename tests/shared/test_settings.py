"""Settings: read once, named when wrong, never a hidden default where it matters."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.settings import EngineChoice, Environment, load_settings

STRONG = "k3" * 20


def test_an_empty_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.settings.DEFAULT_DATA_DIR", tmp_path / "data")
    settings = load_settings({})
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_url == f"sqlite:///{tmp_path}/data/hangtag.db"
    assert settings.redis_url is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.engine is EngineChoice.AUTO
    assert settings.env is Environment.DEVELOPMENT


def test_the_data_folder_lies_beside_the_code_wherever_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = {"HANGTAG_SECRET_KEY": STRONG}  # else one would be made and kept there
    assert load_settings(key).data_dir == Path(__file__).resolve().parents[2] / "data"
    assert load_settings({**key, "HANGTAG_DATA_DIR": "mine"}).data_dir == tmp_path / "mine"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HANGTAG_PORT", "eighty"),
        ("HANGTAG_PORT", "0"),
        ("HANGTAG_PORT", "65536"),
        ("HANGTAG_ENGINE", "abacus"),
        ("HANGTAG_ENV", "staging"),
        ("HANGTAG_BLOB_URL", "ftp://somewhere"),
        ("HANGTAG_BASE_WEIGHTS", "/no/such/file.h5"),
        ("HANGTAG_BASE_WEIGHTS_DIGEST", "abc"),
        ("HANGTAG_THREADS", "-1"),
        ("HANGTAG_LOG_FORMAT", "xml"),
        ("HANGTAG_TRUSTED_HOSTS", "https://shop.example"),
        ("HANGTAG_PROXY_HOPS", "11"),
        ("HANGTAG_RATE_WRITES", "-1"),
        ("HANGTAG_QUOTA_STORAGE_GB", "plenty"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}='{value}'"):
        load_settings({"HANGTAG_DATA_DIR": str(tmp_path), name: value})


@pytest.mark.parametrize("name", ["HANGTAG_DATABASE_URL", "HANGTAG_REDIS_URL"])
def test_a_wrong_address_stops_the_start_and_its_password_is_not_shown(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} cannot be used: it must start with") as raised:
        load_settings({"HANGTAG_DATA_DIR": str(tmp_path), name: "mysql://ada:opensesame@somewhere"})
    assert "opensesame" not in str(raised.value)


@pytest.mark.parametrize("value", ["eighty", "0", "65536"])
def test_a_wrong_number_is_answered_with_what_it_may_be(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingsError, match="it must be a whole number from 1 to 65535"):
        load_settings({"HANGTAG_DATA_DIR": str(tmp_path), "HANGTAG_PORT": value})


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


PRODUCTION = {"HANGTAG_ENV": "production", "HANGTAG_TRUSTED_HOSTS": "shop.example"}


def test_production_takes_a_strong_key(tmp_path: Path) -> None:
    environment = {"HANGTAG_DATA_DIR": str(tmp_path), **PRODUCTION}
    assert load_settings({**environment, "HANGTAG_SECRET_KEY": STRONG}).production


def test_production_asks_for_the_names_it_is_reached_under(tmp_path: Path) -> None:
    environment = {**PRODUCTION, "HANGTAG_DATA_DIR": str(tmp_path), "HANGTAG_SECRET_KEY": STRONG}
    with pytest.raises(SettingsError, match="HANGTAG_TRUSTED_HOSTS"):
        load_settings({**environment, "HANGTAG_TRUSTED_HOSTS": ""})


def test_trusted_are_the_names_given_the_address_bound_and_this_machine(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "HANGTAG_DATA_DIR": str(tmp_path),
            "HANGTAG_TRUSTED_HOSTS": "Shop.example, .shops.example",
            "HANGTAG_HOST": "10.1.2.3",
        }
    )
    local = ("localhost", "127.0.0.1", "[::1]")
    assert settings.trusted_hosts == ("shop.example", ".shops.example", "10.1.2.3", *local)


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{STRONG}\n")
    (tmp_path / "url").write_text("postgresql://hangtag:x@db/hangtag")
    settings = load_settings(
        {
            **PRODUCTION,
            "HANGTAG_DATA_DIR": str(tmp_path),
            "HANGTAG_SECRET_KEY_FILE": str(tmp_path / "key"),
            "HANGTAG_DATABASE_URL_FILE": str(tmp_path / "url"),
        }
    )
    assert settings.secret_key == STRONG
    assert settings.database_url == "postgresql://hangtag:x@db/hangtag"


@pytest.mark.parametrize("content", ["", "short", "change-me-" * 5])
def test_production_refuses_a_weak_key_from_a_file_too(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    environment = {**PRODUCTION, "HANGTAG_SECRET_KEY_FILE": str(tmp_path / "key")}
    with pytest.raises(SettingsError, match="HANGTAG_SECRET_KEY"):
        load_settings({**environment, "HANGTAG_DATA_DIR": str(tmp_path)})


def test_a_secret_file_that_is_not_there_or_not_alone_stops_the_start(tmp_path: Path) -> None:
    environment = {"HANGTAG_DATA_DIR": str(tmp_path), "HANGTAG_SECRET_KEY_FILE": str(tmp_path / "nothing")}
    with pytest.raises(SettingsError, match="HANGTAG_SECRET_KEY_FILE"):
        load_settings(environment)
    with pytest.raises(SettingsError, match="both set"):
        load_settings({**environment, "HANGTAG_SECRET_KEY": STRONG})


def test_settings_cannot_be_changed_after_the_start(tmp_path: Path) -> None:
    settings = load_settings({"HANGTAG_DATA_DIR": str(tmp_path)})
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]  # that it is refused is the point
