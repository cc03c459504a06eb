"""How busy a GPU is, from the program that its driver brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.gpu_use import gpu_use


def put_smi(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_each_card_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_smi(tmp_path, "echo 'NVIDIA H200, 37, 4301, 143771'; echo 'Odd, Card, 0, 0, 10240'", monkeypatch)
    assert gpu_use() == (
        "NVIDIA H200, 37 % busy, 4.2 of 140 GiB of memory; Odd, Card, 0 % busy, 0.0 of 10 GiB of memory"
    )


@pytest.mark.parametrize("script", ["exit 9", "echo 'NVIDIA H200, [N/A], [N/A], [N/A]'", "true"])
def test_what_cannot_be_measured_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    put_smi(tmp_path, script, monkeypatch)
    assert gpu_use() is None


def test_without_a_driver_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_use() is None
