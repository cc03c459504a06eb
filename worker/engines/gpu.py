"""Is there a GPU that TensorFlow could use? Found out without importing TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The NVIDIA driver lists its cards here, one folder each.
DRIVER_FOLDER = Path("/proc/driver/nvidia/gpus")
# nvidia-smi takes a second or two to wake a sleeping card and hangs on a broken one.
SMI_SECONDS = 15
# TensorFlow records in this file, made when the wheel was built, what it was built for.
BUILD_INFO = Path("python/platform/build_info.py")
CUDA_BUILD_MARK = "('is_cuda_build', True)"


@dataclass(frozen=True, slots=True)
class GpuFinding:
    """Whether a GPU can be used, and a sentence that says why or why not."""

    usable: bool
    sentence: str


def find_gpu(
    environment: Mapping[str, str] | None = None,
    driver_folder: Path = DRIVER_FOLDER,
    tensorflow_folder: Path | None = None,
) -> GpuFinding:
    """Look for an NVIDIA GPU and for a TensorFlow that was built for one.

    Args:
        environment: read for CUDA_VISIBLE_DEVICES and PATH; default: this process's.
        driver_folder: where the driver lists its cards.
        tensorflow_folder: where TensorFlow is installed; default: found as an import would find it.
    """
    environment = os.environ if environment is None else environment
    if environment.get("CUDA_VISIBLE_DEVICES", "0").strip() in {"", "-1"}:
        return GpuFinding(False, "CUDA_VISIBLE_DEVICES hides all GPUs.")
    model = _from_driver(driver_folder) or _from_smi(environment)
    if model is None:
        return GpuFinding(False, "No NVIDIA GPU was found.")
    folder = tensorflow_folder or _tensorflow_folder()
    if folder is None:
        return GpuFinding(False, f"There is a GPU ({model}), but TensorFlow is not installed.")
    if not _built_for_gpu(folder):
        return GpuFinding(
            False,
            f"There is a GPU ({model}), but the installed TensorFlow is the build for CPUs. "
            "Install requirements/gpu.txt to use it.",
        )
    return GpuFinding(True, f"There is a GPU ({model}).")


def _from_driver(folder: Path) -> str | None:
    for information in sorted(folder.glob("*/information")):
        for line in information.read_text(errors="replace").splitlines():
            if line.startswith("Model:"):
                return line.removeprefix("Model:").strip()
    return None


def _from_smi(environment: Mapping[str, str]) -> str | None:
    """Ask nvidia-smi, for containers that hide the driver's folder."""
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if program is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - a program found on PATH, with a fixed argument
            [program, "-L"], capture_output=True, text=True, timeout=SMI_SECONDS, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    cards = [line for line in answer.stdout.splitlines() if line.startswith("GPU ")]
    # A line reads "GPU 0: NVIDIA H200 (UUID: GPU-...)".
    return cards[0].partition(": ")[2].partition(" (UUID")[0] if cards else None


def _tensorflow_folder() -> Path | None:
    found = importlib.util.find_spec("tensorflow")
    places = found.submodule_search_locations if found else None
    return Path(places[0]) if places else None


def _built_for_gpu(folder: Path) -> bool:
    try:
        return CUDA_BUILD_MARK in (folder / BUILD_INFO).read_text()
    except FileNotFoundError:
        return False
