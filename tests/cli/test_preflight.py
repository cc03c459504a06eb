"""What stops a start before anything is started."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cli.start.preflight import check_port, hold_data_folder
from shared.errors import SettingsError
from shared.settings import Settings, load_settings


def _settings(data_dir: Path, port: int, host: str = "127.0.0.1") -> Settings:
    return load_settings({"HANGTAG_DATA_DIR": str(data_dir), "HANGTAG_PORT": str(port), "HANGTAG_HOST": host})


def test_a_taken_port_is_named_with_the_variable_that_changes_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} on 127.0.0.1.*HANGTAG_PORT="):
            check_port(_settings(tmp_path, port))


def test_a_free_port_is_left_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    settings = _settings(tmp_path, port)
    check_port(settings)
    check_port(settings)


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HANGTAG_HOST"):
        check_port(_settings(tmp_path, 8000, "192.0.2.1"))  # RFC 5737: nobody's address


def test_one_data_folder_serves_one_run(tmp_path: Path) -> None:
    held = hold_data_folder(tmp_path)
    try:
        with pytest.raises(SettingsError, match=f"process {os.getpid()}.*HANGTAG_DATA_DIR"):
            hold_data_folder(tmp_path)
    finally:
        os.close(held)


def test_a_process_manager_that_was_left_behind_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "supervisord.pid").write_text("4711\n")
    held = hold_data_folder(tmp_path)
    try:
        with pytest.raises(SettingsError, match="process manager is 4711"):
            hold_data_folder(tmp_path)
    finally:
        os.close(held)


def test_a_data_folder_is_free_again_after_a_run(tmp_path: Path) -> None:
    os.close(hold_data_folder(tmp_path))
    os.close(hold_data_folder(tmp_path))


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="HANGTAG_DATA_DIR"):
        hold_data_folder(tmp_path / "file" / "data")
