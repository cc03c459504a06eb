"""`hangtag batches`: many photos that were sent at once, and what became of each."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import batches as following
from cli.outcome import Status
from cli.server import connect
from cli.terminal import ago, bar, confidence_in_words, err, print_json, print_table
from hangtag_client import BatchAnswer, BatchItem

app = typer.Typer(add_completion=False, invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def batches(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List batches of photos, or show one."""
    if context.invoked_subcommand is not None:
        return
    with connect() as client:
        found = client.batches(limit=limit)
    if as_json:
        print_json([batch.as_json() for batch in found])
        return
    print_table(
        ("id", "sent", "photos", "outcome"),
        ((batch.id, ago(batch.created_at), batch.total, _counts(batch.counts)) for batch in found),
        cut=["outcome"],
        empty="There are no batches yet. Send one: hangtag classify FOLDER",
    )


@app.command()
def show(
    batch_id: Annotated[str, typer.Argument(help="The id of the batch.")],
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what became of each photo of a batch. With --watch, ends with 1 when some cannot be answered."""
    with connect() as client:
        found = client.batch(batch_id)
        if watch:
            with bar() as progress:
                task = progress.add_task("Photos", total=None)
                found = following.follow(
                    client, found, lambda done, total: progress.update(task, completed=done, total=total)
                )
    _print(found, as_json)
    if watch and set(found.batch.counts) != {"succeeded"}:
        raise typer.Exit(Status.FAILED)


def _print(found: BatchAnswer, as_json: bool) -> None:
    if as_json:
        print_json(found.as_json())
        return
    columns = ("photo", "category", "confidence", "state")
    print_table(columns, map(_row, found.items), cut=["photo"])
    for item in found.items:
        if item.error:
            err.print(f"{item.name}: {item.error.message}", markup=False)
    if not found.batch.finished:
        err.print(f"It goes on. Watch it: hangtag batches show {found.batch.id} --watch")


def _row(item: BatchItem) -> tuple[object, ...]:
    answer = item.suggestion
    sure = confidence_in_words(answer.confidence) if answer else None
    return item.name, answer and answer.category, sure, item.state


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items())
