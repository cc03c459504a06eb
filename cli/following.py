"""Following a job to its end: a bar, curves, or a ranked table that changes as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from cli.curves import curves, epoch_line
from cli.outcome import Status
from cli.terminal import bar, err
from cli.trials import trial_line, trial_table
from hangtag_client import ApiError, Client, Job, UnreachableError
from shared.jobs.states import JobKind

# Where there is no event stream to be had, it is looked so often.
POLL_SECONDS = 2.0
# The server has no stream left for us, or is too busy for one.
STREAM_REFUSED = (429, 503)
# Of a sweep's trials, so many fit on a screen; all of them are in the final table.
SHOWN_TRIALS = 12

Picture = tuple[RenderableType, list[str]]


@contextmanager
def watching(what: str, again: str, end: str = "") -> Iterator[None]:
    """Let Ctrl-C, or a server that goes away, end the watching and not the work, and say so."""
    try:
        yield
    except UnreachableError:
        err.print(f"{what} goes on when Hangtag runs again. Watch it then: {again}")
        raise
    except KeyboardInterrupt as stopped:
        err.print(f"\n{what} goes on; only the watching has ended. Watch again: {again}{end}")
        raise typer.Exit(Status.INTERRUPTED) from stopped


def follow(client: Client, job: Job, *, drawn: bool = True) -> Job:
    """Watch a job until it has ended: `drawn` in the way that fits its kind, or by a bar alone."""
    again, end = f"hangtag jobs show {job.id} --watch", f" End it: hangtag jobs cancel {job.id}"
    with watching(f"Job {job.id}", again, end):
        if drawn and job.kind == JobKind.TRAIN:
            return _follow(client, job, lambda: _training(client, job.id))
        if drawn and job.kind == JobKind.SWEEP:
            return _follow(client, job, lambda: _sweep(client, job.id))
        return _follow_with_bar(client, job)


def changes(client: Client, job: Job) -> Iterator[Job]:
    """The job now and each time it changes, by its event stream; by asking where no stream is to be had."""
    try:
        yield from client.events(job.id)
    except ApiError as error:
        if error.status not in STREAM_REFUSED:
            raise
        while not job.ended:
            yield (job := client.job(job.id, wait=POLL_SECONDS))


def _follow_with_bar(client: Client, job: Job) -> Job:
    with bar() as progress:
        task = progress.add_task(job.state, total=None)
        for now in changes(client, job):
            done, total = now.progress.done, now.progress.total
            progress.update(task, description=now.progress.stage or now.state, completed=done, total=total)
            job = now
    return job


def _follow(client: Client, job: Job, look: Callable[[], Picture]) -> Job:
    """Draw what `look` sees at each change; into a pipe, print each of its lines once."""
    told: set[str] = set()
    with Live(console=err, auto_refresh=False, transient=False) as live:
        for now in changes(client, job):
            picture, lines = look()
            if err.is_terminal:
                live.update(Group(_headline(now), picture), refresh=True)
            else:
                _tell(lines, told)
            job = now
    return job


def _training(client: Client, job_id: str) -> Picture:
    epochs = client.epochs(job_id)
    return curves(epochs), [epoch_line(epoch) for epoch in epochs]


def _sweep(client: Client, job_id: str) -> Picture:
    found = client.trials(job_id)
    lines = [trial_line(trial, found.varied) for trial in sorted(found.trials, key=lambda t: t.number)]
    return trial_table(found, SHOWN_TRIALS), [line for line in lines if line]


def _tell(lines: Sequence[str], told: set[str]) -> None:
    for line in lines:
        if line not in told:
            told.add(line)
            err.print(line, markup=False)


def _headline(job: Job) -> Text:
    now = job.progress
    parts = [job.state, now.stage or "", f"{now.done}/{now.total}" if now.total else ""]
    if now.eta_seconds:
        parts.append(f"about {now.eta_seconds:.0f} s left")
    return Text("  ".join(filter(None, parts)), style="bold")
