"""Fetch the weights through the package installer, for networks that reach nothing but a package index.

A published wheel carries an unchanged copy of Xception's ImageNet weights inside a `.keras` archive. It is
downloaded by its hash, opened as a zip archive and thrown away: never installed, never imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from worker.network.keras_download import CONNECT_SECONDS, DownloadError
from worker.network.keras_files import extracted, read_weights_file
from worker.network.progress import Report
from worker.network.weight_arrays import Arrays

# Design, section 7: equal in every number to a second, independent copy.
WHEEL = "pneumonia_model_package==0.3.0"
WHEEL_SHA256 = "4bb1ee80366db5de818c7255e62878871b8ec545681193f429e2575b791d3536"
WHEEL_BYTES = 83_366_975
SOURCE = "the package index"
# A stalled index is noticed by the installer itself; this only ends a download that trickles.
MAX_SECONDS = 1800.0
POLL_SECONDS = 0.2


def download_from_index(folder: Path, report: Report) -> Arrays:
    """Download the wheel into `folder` with the installer's own configuration and read the arrays in it.

    Raises:
        DownloadError: the installer is missing or could not fetch a wheel with the wanted hash.
        UnreadableWeightsError: the wheel is not what was expected.
    """
    wheels = folder / "wheels"
    _run_installer(folder, wheels, report)
    found = list(wheels.glob("*.whl"))
    if len(found) != 1:
        raise DownloadError(f"the package installer left {len(found)} wheels instead of one")
    with extracted(found[0], lambda name: name.endswith(".keras")) as archive:
        return read_weights_file(archive)


def _command(requirements: Path, wheels: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-cache-dir"),
        # Instead of the installer's five tries of 15 seconds each, for every index it knows.
        *("--timeout", f"{CONNECT_SECONDS:.0f}", "--retries", "0"),
        *("--dest", str(wheels), "--requirement", str(requirements)),
    ]


def _run_installer(folder: Path, wheels: Path, report: Report) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    scratch = folder / "scratch"
    scratch.mkdir()
    log = folder / "installer.log"
    # The installer writes what it has so far into its temporary folder, whose growth is the progress.
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - a fixed command
            _command(requirements, wheels), stdout=output, stderr=subprocess.STDOUT, env=environment
        ) as installer,
    ):
        try:
            _watch(installer, folder, report)
        finally:
            installer.kill()
    if installer.returncode != 0:
        raise DownloadError(f"the package installer failed: {_last_error(log)}")


def _watch(installer: subprocess.Popen[bytes], folder: Path, report: Report) -> None:
    deadline = time.monotonic() + MAX_SECONDS
    while True:
        try:
            installer.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            report(SOURCE, min(_bytes_under(folder), WHEEL_BYTES), WHEEL_BYTES)
        else:
            return
        if time.monotonic() > deadline:
            raise DownloadError(f"the download took more than {MAX_SECONDS / 60:.0f} minutes")


def _bytes_under(folder: Path) -> int:
    sizes = 0
    for path in folder.rglob("*"):
        try:
            sizes += path.stat().st_size
        except FileNotFoundError:  # the installer moved it meanwhile
            continue
    return sizes


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("ERROR: ")
