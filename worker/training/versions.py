"""Which code and libraries made a model version."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Git answers in milliseconds; a hung file system must not hold a training.
GIT_SECONDS = 10

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


def code_commit() -> str | None:
    """The commit of the code that runs, with a plus sign behind it where files differ from it.

    None where the code is not in a Git working tree, as in a container, or Git is not there to be asked.
    """
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    try:
        commit = _ask(git, "rev-parse", "HEAD").strip()
        changed = _ask(git, "status", "--porcelain", "--untracked-files=no").strip()
    except (subprocess.SubprocessError, OSError):
        return None
    return f"{commit}+" if changed else commit


def _ask(git: str, *arguments: str) -> str:
    command = [git, "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=GIT_SECONDS)  # noqa: S603 - git with fixed arguments
    return done.stdout
