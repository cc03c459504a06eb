"""Run `worker.engines.build` and `.quantize` in children: TensorFlow and NNCF stay out of this process."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.errors import ParityError, TransientError
from shared.models.feature_space import FeatureSpace
from shared.settings import Settings

log = logging.getLogger(__name__)

# A build takes 20 seconds on 2 cores; this ends one that hangs, or that waits for one that hangs.
MAX_SECONDS = 900.0
# Somebody who cancels waits for this, too.
CHECK_SECONDS = 0.5
# Whether to go on: raises when not.
Check = Callable[[], None]
# Of a failed build's output, so much belongs into the error; all of it is in the log.
QUOTED_LINES = 5
# The exit status of a builder whose engine was refused, apart from every other way to fail.
EXIT_NO_PARITY = 3


class EngineBuildError(TransientError):
    """The engine could not be built."""

    code = "engine_build_failed"


def no_check() -> None:
    """For callers that wait to the end."""


def build_in_child(
    settings: Settings, feature_space: FeatureSpace, photos: Path | None, check: Check = no_check
) -> None:
    """Build the OpenVINO engine of `feature_space`, unless it is there, and log what the builder says.

    Args:
        check: called twice a second, on a thread; what it raises ends the build and comes out of here.

    Raises:
        ParityError: it was built and its answers differ too much from Keras'.
        EngineBuildError: the builder failed, was killed or took too long.
    """
    arguments = ["--image-size", str(feature_space.image_size)]
    if feature_space.layers_digest:
        arguments += ["--layers", feature_space.layers_digest]
    if photos is not None:
        arguments += ["--photos", str(photos)]
    what = f"The OpenVINO engine for {feature_space.key}"
    _run(settings, "worker.engines.build", arguments, what, check)


def quantize_in_child(
    settings: Settings, network: Path, photos: Path, output: Path, check: Check = no_check
) -> None:
    """Run `worker.engines.quantize.quantize` in a child and log what it says.

    Args:
        check: called twice a second, on a thread; what it raises ends the child and comes out of here.

    Raises:
        EngineBuildError: it failed, was killed or took too long.
    """
    arguments = [str(network), str(photos), str(output)]
    _run(settings, "worker.engines.quantize", arguments, "The int8 network", check)


def _run(settings: Settings, module: str, arguments: list[str], what: str, check: Check) -> None:
    command = [sys.executable, "-m", module, *arguments]
    with (
        subprocess.Popen(  # noqa: S603 - our own module
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment(settings)
        ) as builder,
        ThreadPoolExecutor(1, thread_name_prefix="engine-build") as pool,
    ):
        watch = pool.submit(_watch, builder, check)
        try:
            last = _log_output(builder)
        finally:
            builder.kill()
        watch.result()
    if builder.returncode == EXIT_NO_PARITY:
        raise ParityError(last[-1] if last else None)
    if builder.returncode != 0:
        raise EngineBuildError(
            f"{what} could not be built (exit status {builder.returncode}): "
            f"{' | '.join(last) or 'no output'}. To see more, run: python {' '.join(command[1:])}"
        )


def _watch(builder: subprocess.Popen[str], check: Check) -> None:
    """Kill the builder when it takes too long, or when `check` raises."""
    deadline = time.monotonic() + MAX_SECONDS
    try:
        while builder.poll() is None and time.monotonic() < deadline:
            check()
            time.sleep(CHECK_SECONDS)
    finally:
        builder.kill()


def _log_output(builder: subprocess.Popen[str]) -> list[str]:
    last: deque[str] = deque(maxlen=QUOTED_LINES)
    assert builder.stdout is not None  # noqa: S101 - it was asked for as a pipe
    for line in builder.stdout:
        if line.strip():
            log.info("engine build: %s", line.strip())
            last.append(line.strip())
    builder.wait()
    return list(last)


def _environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with the settings that a build reads as they are here."""
    environment = {
        **os.environ,
        "HANGTAG_DATA_DIR": str(settings.data_dir),
        "HANGTAG_BLOB_URL": settings.blob_url,
        "HANGTAG_BASE_WEIGHTS": str(settings.base_weights or ""),
        "HANGTAG_BASE_WEIGHTS_DIGEST": settings.base_weights_digest,
        "HANGTAG_THREADS": str(settings.threads),
        "PYTHONUNBUFFERED": "1",
    }
    # The builder is a module of this checkout, wherever this process was started.
    root = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
    return environment
