"""Known holes in the pinned packages, asked of the vulnerability service of PyPI through pip-audit.

Ends with 1 when there is a hole that requirements/known_holes.toml does not excuse with a reason and a day.
When the service cannot be reached it says so and ends with 0: a network that reaches nothing must not stop
the work, and nobody shall take its silence for an answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
EXCUSED = FOLDER / "known_holes.toml"
# All that is ever installed: dev.txt holds base and cpu.
FILES = ("dev.txt", "gpu.txt")
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a hole is left open for now. From the day `until` on it counts again."""

    id: str
    reason: str
    until: date


def main() -> None:
    """Ask about each file; tell what was found and what was not looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pip-audit", default=str(Path(sys.executable).with_name("pip-audit")))
    parser.add_argument("--excused", type=Path, default=EXCUSED, help="holes that are left open for now")
    chosen = parser.parse_args()
    excuses = _excuses(chosen.excused)
    holes, unchecked = set[str](), dict[str, str]()
    for name in FILES:
        report = _report(chosen.pip_audit, FOLDER / name)
        if isinstance(report, str):
            unchecked[f"requirements/{name}"] = report
            continue
        for package in report:
            if "skip_reason" in package:
                unchecked[package["name"]] = package["skip_reason"]
            holes |= {
                _line(package, hole) for hole in package.get("vulns", []) if not _excused(hole, excuses)
            }
    _tell(sorted(holes), unchecked)


def _report(pip_audit: str, requirements: Path) -> list[dict[str, Any]] | str:
    """What pip-audit says about each package, or why it says nothing."""
    command = [pip_audit, "--progress-spinner", "off", "--format", "json"]
    command += ["--disable-pip", "--require-hashes", "-r", str(requirements)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return f"pip-audit did not answer within {SECONDS} seconds"
    except (ValueError, KeyError):
        return " ".join(done.stderr.split())[-300:] or f"pip-audit ended with {done.returncode}"
    return packages


def _excuses(path: Path) -> list[Excuse]:
    """The excuses that still hold; one without a reason or a day stops everything."""
    found = [Excuse(**entry) for entry in tomllib.loads(path.read_text()).get("hole", [])]
    if empty := [excuse.id for excuse in found if not excuse.reason.strip()]:
        sys.exit(f"{path.name}: {empty[0]} has no reason")
    return [excuse for excuse in found if excuse.until > datetime.now(UTC).date()]


def _excused(hole: dict[str, Any], excuses: list[Excuse]) -> bool:
    names = {hole["id"], *hole.get("aliases", [])}
    return any(excuse.id in names for excuse in excuses)


def _line(package: dict[str, Any], hole: dict[str, Any]) -> str:
    mended = ", ".join(hole.get("fix_versions", [])) or "no release yet"
    return f"{package['name']} {package['version']}: {hole['id']}, mended in {mended}"


def _tell(holes: list[str], unchecked: dict[str, str]) -> None:
    if unchecked:
        (name, why), *_ = unchecked.items()
        print("*" * 78)
        print(f"NOT CHECKED for known holes: {len(unchecked)} packages or files, among them {name}.")
        print(f"The vulnerability service of PyPI gave no answer about them: {why}")
        print("This run says nothing about them. Run `make audit` where the service can be reached.")
        print("*" * 78)
    if holes:
        sys.exit("\n".join([*holes, "Update these, or excuse them in requirements/known_holes.toml."]))
    if not unchecked:
        print("No known holes in the pinned packages.")


if __name__ == "__main__":
    main()
