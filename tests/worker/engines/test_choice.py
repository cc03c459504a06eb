"""Which engine serves, and the sentence that says why."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shared.settings import EngineChoice, Settings
from worker.engines.choose import decide
from worker.engines.gpu import GpuFinding, find_gpu


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A driver's folder with one card in it."""
    folder = tmp_path / "driver"
    (folder / "0000:01:00.0").mkdir(parents=True)
    (folder / "0000:01:00.0" / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   63\n")
    return folder


def tensorflow(folder: Path, cuda: bool) -> Path:
    info = folder / "python" / "platform" / "build_info.py"
    info.parent.mkdir(parents=True)
    info.write_text(f"build_info = OrderedDict([('is_cuda_build', {cuda}), ('is_rocm_build', False)])\n")
    return folder


def auto(settings: Settings) -> Settings:
    return dataclasses.replace(settings, engine=EngineChoice.AUTO)


def test_auto_takes_keras_on_a_gpu(settings: Settings, card: Path, tmp_path: Path) -> None:
    gpu = find_gpu({"PATH": ""}, card, tensorflow(tmp_path / "tf", cuda=True))

    decision = decide(auto(settings), gpu)

    assert decision.name is EngineChoice.KERAS
    assert decision.reason == "There is a GPU (NVIDIA H200). Keras serves on it."


def test_auto_takes_openvino_without_a_gpu(settings: Settings, tmp_path: Path) -> None:
    decision = decide(auto(settings), find_gpu({"PATH": ""}, tmp_path))

    assert decision.name is EngineChoice.OPENVINO
    assert decision.reason == "No NVIDIA GPU was found. OpenVINO serves on the CPU."


def test_a_gpu_without_a_tensorflow_for_it_is_pointed_out(card: Path, tmp_path: Path) -> None:
    gpu = find_gpu({"PATH": ""}, card, tensorflow(tmp_path / "tf", cuda=False))

    assert not gpu.usable
    assert "build for CPUs. Install requirements/gpu.txt" in gpu.sentence


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_hidden_gpu_is_none(hidden: str, card: Path, tmp_path: Path) -> None:
    gpu = find_gpu({"CUDA_VISIBLE_DEVICES": hidden}, card, tensorflow(tmp_path / "tf", cuda=True))

    assert gpu == GpuFinding(False, "CUDA_VISIBLE_DEVICES hides all GPUs.")


def test_where_the_driver_is_hidden_its_tool_is_asked(tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: GPU-1)'\n")
    tool.chmod(0o755)

    gpu = find_gpu({"PATH": str(tool.parent)}, tmp_path, tensorflow(tmp_path / "tf", cuda=True))

    assert gpu == GpuFinding(True, "There is a GPU (NVIDIA H200).")


def test_a_tool_that_fails_means_no_gpu(tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Failed to initialize NVML'\nexit 9\n")
    tool.chmod(0o755)

    assert not find_gpu({"PATH": str(tmp_path)}, tmp_path / "none").usable


@pytest.mark.parametrize("choice", [EngineChoice.KERAS, EngineChoice.OPENVINO])
def test_an_engine_that_is_asked_for_is_taken(choice: EngineChoice, settings: Settings) -> None:
    decision = decide(dataclasses.replace(settings, engine=choice), GpuFinding(True, "There is a GPU."))

    assert decision.name is choice
    assert decision.reason == f"HANGTAG_ENGINE={choice} asks for it."
