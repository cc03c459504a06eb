"""Which libraries made a model version."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

# Library -> the distributions that provide it, in order of preference.
DISTRIBUTIONS = {
    "keras": ("keras",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "openvino": ("openvino",),
    "numpy": ("numpy",),
    "pillow": ("pillow",),
}


def library_versions() -> dict[str, str]:
    """Library -> version, of Python and of each library here that influences a result.

    What is not installed is left out. Nothing is imported to find out.
    """
    found = {"python": platform.python_version()}
    for library, distributions in DISTRIBUTIONS.items():
        versions = [text for text in map(_installed, distributions) if text]
        if versions:
            found[library] = versions[0]
    return found


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
