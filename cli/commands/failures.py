"""`hangtag jobs failures`, `retry`, `discard` and `release`: what to do about jobs that failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import typer

from cli.server import connect
from cli.terminal import ago, bar, err, out, print_json
from hangtag_client import Dealt, FailureGroup
from shared.jobs.states import JobKind

Deed = Literal["retry", "discard"]
JobId = Annotated[str | None, typer.Argument(help="The id of one job; else name --kind and --error.")]
Kind = Annotated[JobKind | None, typer.Option(help="All open failures of this kind ...")]
Error = Annotated[str | None, typer.Option(help="... with this error code.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WATCH = "Watch it: hangtag jobs show {id} --watch"
DONE = {"retry": "queued again", "discard": "discarded"}


def failures(as_json: AsJson = False) -> None:
    """List the open failures by cause, the largest group first."""
    with connect() as client:
        found = client.failures()
    if as_json:
        print_json([group.as_json() for group in found.failures])
        return
    for group in found.failures:
        _print(group)
    if not found.failures:
        err.print("Nothing has failed that is still open.")
    if found.more:
        err.print("There are more causes; these are the largest.")


def retry(job_id: JobId = None, kind: Kind = None, error: Error = None, as_json: AsJson = False) -> None:
    """Try a job again, or all open failures of a kind with an error code. Each gets a new job."""
    _deal("retry", job_id, kind, error, as_json)


def discard(job_id: JobId = None, kind: Kind = None, error: Error = None, as_json: AsJson = False) -> None:
    """Discard a failure, or all of a kind with an error code. They can still be found and tried again."""
    _deal("discard", job_id, kind, error, as_json)


def release(
    job_id: Annotated[str, typer.Argument(help="The id of a job in quarantine.")], as_json: AsJson = False
) -> None:
    """Let a job out of quarantine: a new one does the same task."""
    with connect() as client:
        job = client.release_job(job_id)
    _say(job.as_json(), as_json, f"It is released as job {job.id}. {WATCH.format(id=job.id)}")


def _deal(deed: Deed, job_id: str | None, kind: JobKind | None, error: str | None, as_json: bool) -> None:
    if (job_id is None) == (kind is None) or (kind is None) != (error is None):
        raise typer.BadParameter("Name either the id of one job, or both --kind and --error.")
    with connect() as client:
        if kind is not None and error is not None:
            count = _deal_with_all(
                client.retry_failures if deed == "retry" else client.discard_failures, kind, error
            )
            _say({"count": count}, as_json, f"{count:,} failures are {DONE[deed]}.")
            return
        job = (client.retry_job if deed == "retry" else client.discard_job)(job_id or "")
    again = f"It is queued again as job {job.id}. {WATCH.format(id=job.id)}"
    _say(job.as_json(), as_json, again if deed == "retry" else "It is discarded.")


def _deal_with_all(deal: Callable[..., Dealt], kind: JobKind, error: str) -> int:
    """Go on until nothing is left of what had failed when the first call came."""
    count, until = 0, None
    with bar() as progress:
        task = progress.add_task("Failures", total=None)
        while True:
            dealt = deal(kind, error, until=until)
            count, until = count + dealt.count, dealt.until
            progress.update(task, completed=count, total=count + dealt.left)
            if not dealt.left:
                return count


def _print(group: FailureGroup) -> None:
    stuck = f", {group.quarantined} in quarantine" if group.quarantined else ""
    out.print(
        f"{group.count:,} × {group.kind} {group.error_code}{stuck}, last {ago(group.last_seen)}",
        markup=False,
    )
    out.print(f"    {group.message or 'No message.'}", markup=False)
    out.print(f"    for example: hangtag jobs show {group.sample_job_id}", markup=False)


def _say(value: Mapping[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(value)
    else:
        err.print(sentence)
