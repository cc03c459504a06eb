"""`hangtag jobs`: what is waiting, running and done, and what to do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from cli.client import connect
from cli.commands import failures
from cli.terminal import err, print_json, print_table
from shared.jobs.states import Handling, JobKind, JobState

app = typer.Typer(add_completion=False, invoke_without_command=True)
# The API gives at most this many at once.
PAGE = 200
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def jobs(
    context: typer.Context,
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
    kind: Annotated[JobKind | None, typer.Option(help="Only jobs of this kind.")] = None,
    error: Annotated[str | None, typer.Option(help="Only jobs with this error code.")] = None,
    handled: Annotated[
        Handling | None, typer.Option(help="Only failures, and only those that stand like this.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List background jobs, or do something about them."""
    if context.invoked_subcommand is not None:
        return
    found = _newest(limit, state=state, kind=kind, error_code=error, handled=handled)
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "kind", "state", "attempt", "created", "progress", "outcome"),
        (
            (
                *(job["id"], job["kind"], job["state"], job["attempt"], job["created_at"]),
                _progress(job["progress"]),
                _outcome(job),
            )
            for job in found
        ),
    )


@app.command()
def cancel(
    job_id: Annotated[str, typer.Argument(help="The id of the job.")], as_json: AsJson = False
) -> None:
    """Stop a job: at once while it waits, at its next step while it runs."""
    with connect() as client:
        job = client.post(f"/api/v1/jobs/{job_id}/cancel", {})["job"]
    if as_json:
        print_json(job)
    else:
        err.print("It is cancelled." if job["state"] == "cancelled" else "It stops at its next step.")


@app.command()
def log(job_id: Annotated[str, typer.Argument(help="The id of the job.")], as_json: AsJson = False) -> None:
    """Show the last lines that workers logged about a training or another long job."""
    with connect() as client:
        lines = client.get(f"/api/v1/jobs/{job_id}/log")["lines"]
    if as_json:
        print_json(lines)
    else:
        print("\n".join(lines))


@app.command()
def queues(as_json: AsJson = False) -> None:
    """Show how much waits, for how long, and who works."""
    with connect() as client:
        found = client.get("/api/v1/queues")
    if as_json:
        print_json(found)
        return
    print_table(
        ("queue", "waiting", "of them pause", "oldest waits for", "running", "workers"),
        (
            (
                *(queue["kind"], queue["waiting"], queue["delayed"], _age(queue["oldest_age_seconds"])),
                *(queue["running"], queue["workers"]),
            )
            for queue in found["queues"]
        ),
    )
    print_table(
        ("worker", "engine", "device", "memory", "last heard of", "note"),
        (
            (
                *(worker["name"], worker["engine"], worker["device"]),
                f"{worker['resident_bytes'] / 1e6:,.0f} MB",
                f"{worker['seen_at']}{' (silent)' if worker['silent'] else ''}",
                worker["note"],
            )
            for worker in found["workers"]
        ),
    )


for command in (failures.failures, failures.retry, failures.discard, failures.release):
    app.command()(command)


def _newest(limit: int, **filters: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    with connect() as client:
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            page = client.get("/api/v1/jobs", limit=size, cursor=cursor, **filters)
            found += page["jobs"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    return found


def _age(seconds: float | None) -> str | None:
    return None if seconds is None else str(timedelta(seconds=round(seconds)))


def _progress(progress: dict[str, Any]) -> str | None:
    if progress["stage"] is None:
        return None
    counted = "" if progress["total"] is None else f" {progress['done']}/{progress['total']}"
    return f"{progress['stage']}{counted}"


def _outcome(job: dict[str, Any]) -> str | None:
    if job["error"]:
        return str(job["error"]["message"])
    result = job["result"] or {}
    version = result.get("model_version")
    return result.get("category") or (version and f"version {version}")
