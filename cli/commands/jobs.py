"""`hangtag jobs`: what is waiting, running and done."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.client import connect
from cli.terminal import print_json, print_table
from shared.jobs.states import JobKind, JobState

app = typer.Typer(add_completion=False)
# The API gives at most this many at once.
PAGE = 200


@app.command()
def jobs(
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
    kind: Annotated[JobKind | None, typer.Option(help="Only jobs of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List background jobs."""
    found = _newest(state, kind, limit)
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


def _newest(state: JobState | None, kind: JobKind | None, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    with connect() as client:
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            page = client.get("/api/v1/jobs", state=state, kind=kind, limit=size, cursor=cursor)
            found += page["jobs"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    return found


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
