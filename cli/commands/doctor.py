"""`hangtag doctor`: everything Hangtag needs, how it stands, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.doctor.finding import Finding, Level
from cli.outcome import Status
from cli.terminal import out, print_json

app = typer.Typer(add_completion=False)
MARKS = {Level.OK: "[green]✓ ok  [/]", Level.WARN: "[yellow]! warn[/]", Level.BAD: "[red]✗ bad [/]"}
NAME_WIDTH = 14


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check everything Hangtag needs and say what to do.

    Ends with 1 when something is bad, 2 when it is a setting.
    """
    from cli.doctor import examine  # noqa: PLC0415 - so that --help and completion stay fast

    findings = examine.findings()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _print(finding)
    wrong = [finding.name for finding in findings if finding.level is Level.BAD]
    if wrong:
        raise typer.Exit(Status.WRONG_CALL if examine.SETTINGS in wrong else Status.FAILED)


def _print(finding: Finding) -> None:
    out.print(f"{MARKS[finding.level]} {finding.name:<{NAME_WIDTH}} ", end="")
    out.print(finding.sentence, markup=False)
