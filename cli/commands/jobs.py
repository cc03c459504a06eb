"""`hangtag jobs`: what is waiting, running and done, and what to do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cli.commands import failures
from cli.following import follow
from cli.outcome import Status
from cli.server import connect
from cli.terminal import ago, confidence_in_words, err, moment, out, print_facts, print_json, print_table
from hangtag_client import Job, Queues, Suggestion
from shared.jobs.states import Handling, JobKind, JobState

app = typer.Typer(add_completion=False, invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JobId = Annotated[str, typer.Argument(help="The id of the job.")]
# What can be done about a job in this state.
NEXT = {
    "queued": "Watch it: hangtag jobs show {id} --watch  End it: hangtag jobs cancel {id}",
    "running": "Watch it: hangtag jobs show {id} --watch  End it: hangtag jobs cancel {id}",
    "failed": "Try it again: hangtag jobs retry {id}",
    "cancelled": "Try it again: hangtag jobs retry {id}",
    "quarantined": "It took its worker down three times. Let it try again, alone: hangtag jobs release {id}",
}


@app.callback()
def jobs(
    context: typer.Context,
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
    kind: Annotated[JobKind | None, typer.Option(help="Only jobs of this kind.")] = None,
    error: Annotated[str | None, typer.Option(help="Only jobs with this error code.")] = None,
    handled: Annotated[
        Handling | None, typer.Option(help="Only failures, and only those that stand like this.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List background jobs, or do something about them."""
    if context.invoked_subcommand is not None:
        return
    with connect() as client:
        found = client.jobs(state=state, kind=kind, error_code=error, handled=handled, limit=limit)
    if as_json:
        print_json([job.as_json() for job in found])
        return
    chosen = any((state, kind, error, handled))
    print_table(
        ("id", "what", "state", "outcome", "created"),
        ((job.id, _what(job), job.state, _outcome(job), ago(job.created_at)) for job in found),
        cut=["what", "outcome"],
        empty="No job is like this. Leave out a filter to see more."
        if chosen
        else "There are no jobs yet. Send a photo: hangtag classify PHOTO",
    )


@app.command()
def show(
    job_id: JobId,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a job. With --watch, ends with 1 when it does not succeed."""
    with connect() as client:
        job = client.job(job_id)
        if watch and not job.ended:
            job = follow(client, job)
    if as_json:
        print_json(job.as_json())
    else:
        _print(job)
    if watch and job.state != "succeeded":
        raise typer.Exit(Status.FAILED)


@app.command()
def cancel(job_id: JobId, as_json: AsJson = False) -> None:
    """Stop a job: at once while it waits, at its next step while it runs."""
    with connect() as client:
        job = client.cancel_job(job_id)
    if as_json:
        print_json(job.as_json())
    else:
        err.print("It is cancelled." if job.state == "cancelled" else "It stops at its next step.")


@app.command()
def log(job_id: JobId, as_json: AsJson = False) -> None:
    """Show the last lines that workers logged about a training or another long job."""
    with connect() as client:
        lines = client.job_log(job_id)
    if as_json:
        print_json(lines)
    else:
        print("\n".join(lines))


@app.command()
def queues(as_json: AsJson = False) -> None:
    """Show how much waits, for how long, and who works."""
    with connect() as client:
        found = client.queues()
    if as_json:
        print_json(found.as_json())
    else:
        _print_queues(found)


for command in (failures.failures, failures.retry, failures.discard, failures.release):
    app.command()(command)


def _print(job: Job) -> None:
    print_facts(
        (
            ("job", job.id),
            ("kind", job.kind),
            ("state", job.state if job.attempt < 2 else f"{job.state}, attempt {job.attempt}"),
            ("progress", None if job.ended else _progress(job)),
            ("created", moment(job.created_at)),
            ("started", moment(job.started_at)),
            ("ended", moment(job.finished_at)),
            ("took", _took(job)),
            ("outcome", _answer(job)),
            ("error", job.error and f"{job.error.code}: {job.error.message}"),
            ("tried again", job.retried_as and f"as {job.retried_as}"),
        )
    )
    if job.state in NEXT and not job.retried_as:
        err.print(NEXT[job.state].format(id=job.id), markup=False)


def _what(job: Job) -> str:
    """The photo, of a job that classifies one; of any other its kind."""
    return (job.photo_name if job.kind == JobKind.CLASSIFY else None) or job.kind


def _answer(job: Job) -> str | None:
    if job.kind == JobKind.CLASSIFY and job.state == "succeeded":
        answer = Suggestion.model_validate(job.result)
        return f"{answer.category}, {confidence_in_words(answer.confidence)}, version {answer.model_version}"
    version = (job.result or {}).get("model_version")
    return f"version {version}. Look at it: hangtag models show {version}" if version else None


def _took(job: Job) -> str | None:
    if job.started_at is None or job.finished_at is None:
        return None
    return f"{(job.finished_at - job.started_at).total_seconds():.1f} s"


def _outcome(job: Job) -> str | None:
    """How far it is, or what came of it, in a word or two."""
    if not job.ended:
        return _progress(job)
    if job.error:
        return job.error.code
    result = job.result or {}
    version = result.get("model_version")
    return result.get("category") or (version and f"version {version}")


def _progress(job: Job) -> str | None:
    now = job.progress
    if now.stage is None:
        return None
    counted = "" if now.total is None else f" {now.done}/{now.total}"
    left = f", about {now.eta_seconds:.0f} s left" if now.eta_seconds else ""
    return f"{now.stage}{counted}{left}"


def _print_queues(found: Queues) -> None:
    print_table(
        ("queue", "waiting", "of them pause", "oldest waits for", "running", "workers"),
        (
            (
                *(queue.kind, queue.waiting, queue.delayed, _age(queue.oldest_age_seconds)),
                *(queue.running, queue.workers),
            )
            for queue in found.queues
        ),
    )
    out.print()
    print_table(
        ("worker", "engine", "device", "memory", "last heard of"),
        (
            (
                *(worker.name, worker.engine, worker.device),
                f"{worker.resident_bytes / 1e6:,.0f} MB",
                f"{ago(worker.seen_at)}{' (silent)' if worker.silent else ''}",
            )
            for worker in found.workers
        ),
        cut=["worker", "device"],
        empty="No worker has been heard of. Start Hangtag with 'hangtag run', or see 'hangtag doctor'.",
    )
    for worker in found.workers:
        if worker.note:
            err.print(f"{worker.name}: {worker.note}", markup=False)


def _age(seconds: float | None) -> str | None:
    return None if seconds is None else str(timedelta(seconds=round(seconds)))
