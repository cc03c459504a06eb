"""A version remembers the libraries that made it."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from worker.training.versions import library_versions


def test_the_versions_are_those_that_run() -> None:
    versions = library_versions()
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == np.__version__
    assert {"keras", "tensorflow", "openvino", "pillow"} <= versions.keys()


def test_a_library_that_is_not_here_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(distribution: str) -> str:
        raise PackageNotFoundError(distribution)

    monkeypatch.setattr("worker.training.versions.version", absent)
    assert library_versions() == {"python": platform.python_version()}


def test_nothing_heavy_is_imported_to_find_out() -> None:
    code = (
        "import sys; from worker.training.versions import library_versions; library_versions(); "
        "print(sorted({'keras', 'tensorflow', 'openvino', 'numpy'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
