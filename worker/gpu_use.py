"""How busy this machine's GPUs are, for the page of a run."""

from __future__ import annotations

import shutil
import subprocess

QUERY = "--query-gpu=name,utilization.gpu,memory.used,memory.total"
# It takes a second or two to wake a sleeping card, and hangs on a broken one.
SMI_SECONDS = 5.0
MEBIBYTES_PER_GIBIBYTE = 1024


def gpu_use() -> str | None:
    """Each GPU with its load and memory in words; None where there is none that can be asked."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - a program found on PATH, with fixed arguments
            [program, QUERY, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=SMI_SECONDS,
            check=True,
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return "; ".join(filter(None, map(_in_words, answer.stdout.splitlines()))) or None


def _in_words(line: str) -> str | None:
    """ "NVIDIA H200, 37, 4301, 143771" in words; None where the card does not tell."""
    try:
        name, busy, used, total = (part.strip() for part in line.rsplit(",", 3))
        gibibytes = [float(amount) / MEBIBYTES_PER_GIBIBYTE for amount in (used, total)]
        return f"{name}, {float(busy):.0f} % busy, {gibibytes[0]:.1f} of {gibibytes[1]:.0f} GiB of memory"
    except ValueError:
        return None
