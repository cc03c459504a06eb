"""Checks sizes and names: small functions, small files, no drawers for odds and ends."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("web", "worker", "shared", "cli", "hangtag_client", "migrations", "tests", "benchmarks", "scripts")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
# Such a module says nothing about what is in it, so everything ends up there.
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}
# Revisions are generated, and one step of a table's history is not made clearer by cutting it up.
LONG_FUNCTIONS_ALLOWED = ROOT / "migrations" / "versions"


def main() -> None:
    """Print every breach; exit with 1 if there is one."""
    breaches = [breach for path in _files() for breach in _breaches(path)]
    if breaches:
        sys.exit("\n".join(breaches))


def _files() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _breaches(path: Path) -> Iterator[str]:
    name = path.relative_to(ROOT)
    text = path.read_text()
    lines = len(text.splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{name}: {lines} lines, at most {MAX_FILE_LINES}"
    if DRAWERS & {part.removesuffix(".py") for part in name.parts}:
        yield f"{name}: name it after what is in it"
    if LONG_FUNCTIONS_ALLOWED not in path.parents:
        yield from _long_functions(name, ast.parse(text))


def _long_functions(name: Path, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines, at most {MAX_FUNCTION_LINES}"


if __name__ == "__main__":
    main()
