"""Prepare, start every process, check the whole main job once, serve until told to stop."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from cli.local import local_address
from cli.start.log import log_to
from cli.start.preflight import check_port, hold_data_folder
from cli.start.preparation import prepare
from cli.start.readiness import ENDED, StartError, self_check, wait_until_ready
from cli.start.stages import stage
from cli.start.supervision import Change, Supervision, last_lines
from cli.start.supervisor_config import log_file
from cli.terminal import confidence_in_words, out
from shared.settings import Settings, load_settings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve() -> None:
    """Start everything and serve until Ctrl-C.

    Raises:
        SettingsError: a setting is wrong, the port is taken, or another run has the data folder.
        StartError: a process does not start.
    """
    began = time.monotonic()
    settings = load_settings()
    _listen_to_signals()
    lock = hold_data_folder(settings.data_dir)
    try:
        check_port(settings)
        _announce(settings)
        log_to(settings, out)
        token = prepare(settings, out)
        _serve(settings, lock, token, began)
    except KeyboardInterrupt:
        out.print("Stopped.")
    finally:
        os.close(lock)


def _listen_to_signals() -> None:
    for number in STOP_SIGNALS:
        # nohup hands down an ignored SIGHUP, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _announce(settings: Settings) -> None:
    out.print(f"[bold]Hangtag[/]  data folder {settings.data_dir}")


def _serve(settings: Settings, lock: int, token: str, began: float) -> None:
    supervision = Supervision(settings, lock)
    try:
        _come_up(settings, supervision)
        _summary(settings, token, time.monotonic() - began)
        _watch(settings, supervision)
    finally:
        _stop(supervision)


def _come_up(settings: Settings, supervision: Supervision) -> None:
    with stage(out, "Processes") as step:
        checks = wait_until_ready(settings, supervision)
        step.says(f"serving, workers: {checks['workers']['detail']}")
    if not checks["champion"]["ok"]:
        out.print(f"[yellow]![/] Self-check left out: {checks['champion']['detail']}")
        return
    with stage(out, "Self-check") as step:
        found = self_check(settings)
        step.says(
            f"drawn t-shirt -> {found.category}, {confidence_in_words(found.confidence)}, "
            f"version {found.version}, {found.seconds * 1000:.0f} ms"
        )


def _summary(settings: Settings, token: str, seconds: float) -> None:
    address = local_address(settings)
    out.print(
        f"\n[bold]Hangtag is serving at {address}[/] (after {seconds:.1f} s)\n"
        f"  Sign in once with   {address}/sign-in/{token}\n"
        f"  API documentation   {address}/api/docs\n"
        f"  Logs                {settings.data_dir / 'logs'}\n"
        "  Stop                Ctrl-C\n"
    )


def _watch(settings: Settings, supervision: Supervision) -> None:
    """Tell what happens to the processes until a signal ends it.

    Raises:
        StartError: a process cannot be started again, or the process manager was killed.
    """
    ended: set[str] = set()
    while supervision.alive:
        change = supervision.next_change()
        if change is None:
            continue
        if change.state == "fatal":
            log = log_file(settings, change.process)
            raise StartError(
                f"{change.process} does not start any more, so Hangtag stops. The end of its log ({log}):\n"
                + last_lines(log)
            )
        _tell(change, ended)
    raise StartError("The process manager was killed, so the processes stop. Start Hangtag again.")


def _tell(change: Change, ended: set[str]) -> None:
    """Say that a process ended, and that it is back. `ended` remembers which ones are missing."""
    now = time.strftime("%H:%M:%S")
    if change.state in ENDED:
        ended.add(change.process)
        out.print(f"{now} [yellow]![/] {change.process} ended ({_how(change)}); starting it again.")
    elif change.state == "running" and change.process in ended:
        ended.remove(change.process)
        out.print(f"{now} [green]✓[/] {change.process} runs again, as process {change.pid}.")


def _how(change: Change) -> str:
    if change.state == "backoff":
        return "too soon after its start"
    status = change.exit_status
    return "killed" if status is None or status < 0 else f"exit status {status}"


def _stop(supervision: Supervision) -> None:
    for number in STOP_SIGNALS:  # the first one is being obeyed
        signal.signal(number, signal.SIG_IGN)
    with stage(out, "Stopping") as step:
        step.says(
            "all processes ended" if supervision.stop() else "some processes had to be left to the system"
        )
