"""Checks that requirement files pin every package by hash and name no package index.

An index address belongs into the installer's own configuration: here it would tie everybody to one network.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
ADDRESS = re.compile(
    r"https?://|--(extra-)?index-url|--find-links|--trusted-host|(^|\s)-[if]\s", re.MULTILINE
)
PIN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._\[\],-]*==\S+.*$")
HASH = "--hash=sha256:"


def main() -> None:
    """Print every breach; exit with 1 if there is one."""
    breaches = [breach for path in sorted(FOLDER.iterdir()) for breach in _breaches(path)]
    if breaches:
        sys.exit("\n".join(breaches))


def _breaches(path: Path) -> Iterator[str]:
    text = path.read_text()
    if ADDRESS.search(text):
        yield f"requirements/{path.name} names a package index"
    if path.suffix == ".txt":
        for requirement in _requirements(text):
            if not PIN.match(requirement) or HASH not in requirement:
                name = requirement.split()[0]
                yield f"requirements/{path.name}: {name} is not pinned with a hash"


def _requirements(text: str) -> Iterator[str]:
    joined = text.replace("\\\n", " ")
    yield from (line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#"))


if __name__ == "__main__":
    main()
