"""The stages of a start: each shows what it does, how far it is, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

NAME_WIDTH = 20


class Stage:
    """One running stage; what it `says` stands behind its name at the end."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self.result = ""

    def says(self, result: str) -> None:
        """Set what is printed about this stage at its end."""
        self.result = result

    def detail(self, text: str) -> None:
        """Show what is being done right now."""
        self._progress.update(self._task, detail=text)

    def bytes_done(self, source: str, done_bytes: int, total_bytes: int | None) -> None:
        """Show a download."""
        self._progress.update(self._task, completed=done_bytes, total=total_bytes, detail=f"from {source}")


@contextmanager
def stage(console: Console, name: str) -> Iterator[Stage]:
    """Run a stage under a spinner or bar; leaves one line behind, also when it fails."""
    began = time.monotonic()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[detail]}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        running = Stage(progress, progress.add_task(name, total=None, detail=""))
        try:
            yield running
        except BaseException:
            progress.stop()
            console.print(f"[red]✗[/] {name}")
            raise
    seconds = time.monotonic() - began
    console.print(f"[green]✓[/] {name:<{NAME_WIDTH}} {running.result or 'ready'}  [dim]{seconds:.1f} s[/]")
