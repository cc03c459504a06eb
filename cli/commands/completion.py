"""`hangtag completion`: what makes a shell complete the command, by Typer's own mechanism."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer
from typer._completion_classes import completion_init
from typer.completion import shell_complete
from typer.main import get_command

from cli.terminal import err

app = typer.Typer(add_completion=False)
PROGRAM = "hangtag"
# The variable in which the script asks for completions; its name follows from the program's.
VARIABLE = "_HANGTAG_COMPLETE"
INSTALL = {
    "bash": "hangtag completion bash >> ~/.bashrc",
    "zsh": "hangtag completion zsh >> ~/.zshrc   (below the line with compinit)",
    "fish": "hangtag completion fish > ~/.config/fish/completions/hangtag.fish",
}


@app.command()
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="bash, zsh or fish.")],
) -> None:
    """Print what makes your shell complete this command; on a terminal, also say where it belongs."""
    from cli.main import app as hangtag  # noqa: PLC0415 - it lists this command

    completion_init()
    shell_complete(get_command(hangtag), {}, PROGRAM, VARIABLE, f"source_{shell}")
    if sys.stdout.isatty():
        err.print(f"\nTo have it in every new shell: {INSTALL[shell]}", markup=False)
