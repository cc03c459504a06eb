"""Checks of the machine: Python, libraries, GPU, disk."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from cli.doctor.finding import Finding, bad, ok, warn
from shared.disk import room
from shared.settings import Settings
from worker.engines.gpu import find_gpu

OLDEST = (3, 11)
# One of each row has to be installed; TensorFlow comes in a build for CPUs and one for GPUs.
LIBRARIES = (
    *(("flask",), ("celery",), ("redis",), ("sqlalchemy",), ("pillow",), ("keras",)),
    *(("openvino",), ("nncf",)),
    ("tensorflow-cpu", "tensorflow"),
)


def python(_settings: Settings) -> Finding:
    """Python is new enough."""
    if sys.version_info < OLDEST:
        return bad("python", f"Python {platform.python_version()} is too old. Install Python 3.11 or newer.")
    return ok("python", f"{platform.python_version()} in {sys.prefix}.")


def libraries(_settings: Settings) -> Finding:
    """Everything is installed."""
    found = {names[0]: _version(names) for names in LIBRARIES}
    missing = [name for name, version in found.items() if version is None]
    if missing:
        return bad("libraries", f"{', '.join(missing)} missing. Run 'make run', which installs everything.")
    return ok("libraries", ", ".join(f"{name} {version}" for name, version in found.items()) + ".")


def gpu(_settings: Settings) -> Finding:
    """A GPU is used where there is one."""
    found = find_gpu()
    wasted = not found.usable and found.sentence.startswith("There is a GPU")
    return warn("gpu", found.sentence) if wasted else ok("gpu", found.sentence)


def disk(settings: Settings) -> Finding:
    """There is room for more photos."""
    found = room(settings.data_dir)
    sentence = f"{found.free / 1e9:.1f} GB free for {settings.data_dir}."
    if found.full:
        return bad("disk", f"{sentence} Photos are refused soon. Make room, or move HANGTAG_DATA_DIR.")
    if found.few:
        return warn("disk", f"{sentence} Make room before photos are refused.")
    return ok("disk", sentence)


def _version(names: tuple[str, ...]) -> str | None:
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None
