"""Checks that every exception from the security rules (ruff's S, the rules of bandit) says why it is one."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = {".venv", "data", "build"}
EXCEPTION = re.compile(r"# noqa: ?(?P<rules>[A-Z0-9, ]*)(?P<rest>.*)")
SECURITY = re.compile(r"\bS\d")
REASON = re.compile(r"\s*- \S")


def main() -> None:
    """Print every exception without a reason; exit with 1 if there is one."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["select"]
    breaches = [] if "S" in rules else ["pyproject.toml: ruff does not select the rules S"]
    for path in sorted(ROOT.rglob("*.py")):
        if not SKIPPED & set(path.relative_to(ROOT).parts):
            breaches += [f"{path.relative_to(ROOT)}:{line} has no reason" for line in _unreasoned(path)]
    if breaches:
        sys.exit("\n".join(breaches))


def _unreasoned(path: Path) -> Iterator[int]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = EXCEPTION.search(line)
        if found and SECURITY.search(found["rules"]) and not REASON.match(found["rest"]):
            yield number


if __name__ == "__main__":
    main()
