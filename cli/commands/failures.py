"""`hangtag jobs failures`, `retry`, `discard` and `release`: what to do about jobs that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from cli.client import Client, connect
from cli.terminal import bar, err, print_json, print_table
from shared.jobs.states import JobKind

Deed = Literal["retry", "discard"]
JobId = Annotated[str | None, typer.Argument(help="The id of one job; else name --kind and --error.")]
Kind = Annotated[JobKind | None, typer.Option(help="All open failures of this kind ...")]
Error = Annotated[str | None, typer.Option(help="... with this error code.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DONE = {"retry": "queued again", "discard": "discarded"}


def failures(as_json: AsJson = False) -> None:
    """List the open failures by cause, the largest group first."""
    with connect() as client:
        found = client.get("/api/v1/jobs/failures")
    if as_json:
        print_json(found["failures"])
        return
    columns = (
        "count",
        "kind",
        "error_code",
        "quarantined",
        "first_seen",
        "last_seen",
        "sample_job_id",
        "message",
    )
    print_table(columns, ([group[column] for column in columns] for group in found["failures"]))
    if found["more"]:
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
        job = client.post(f"/api/v1/jobs/{job_id}/release", {})["job"]
    _say(job, as_json, f"It is released as job {job['id']}.")


def _deal(deed: Deed, job_id: str | None, kind: JobKind | None, error: str | None, as_json: bool) -> None:
    if (job_id is None) == (kind is None) or (kind is None) != (error is None):
        raise typer.BadParameter("Name either the id of one job, or both --kind and --error.")
    with connect() as client:
        if job_id is None:
            dealt = _deal_with_all(client, deed, {"kind": kind, "error_code": error})
            _say(dealt, as_json, f"{dealt['count']:,} failures are {DONE[deed]}.")
            return
        job = client.post(f"/api/v1/jobs/{job_id}/{deed}", {})["job"]
    _say(job, as_json, f"It is queued again as job {job['id']}." if deed == "retry" else "It is discarded.")


def _deal_with_all(client: Client, deed: Deed, cause: Mapping[str, Any]) -> dict[str, int]:
    """Go on until nothing is left of what had failed when the first call came."""
    count, request = 0, dict(cause)
    with bar() as progress:
        task = progress.add_task("Failures", total=None)
        while True:
            dealt = client.post(f"/api/v1/jobs/failures/{deed}", request)
            count += dealt["count"]
            progress.update(task, completed=count, total=count + dealt["left"])
            if not dealt["left"]:
                return {"count": count}
            request["until"] = dealt["until"]


def _say(value: Mapping[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(value)
    else:
        err.print(sentence)
