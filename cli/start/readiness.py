"""Waiting until Hangtag can answer, and the self-check that shows it does."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx

from cli.local import api_key, local_address
from cli.sample_picture import sample_picture
from cli.start.supervision import Change, Supervision, last_lines
from cli.start.supervisor_config import log_file
from hangtag_client import Client, ClientError
from shared.errors import HangtagError
from shared.settings import Settings

# A first start may load TensorFlow, build a network and compile it on two slow cores.
READY_SECONDS = 300.0
ASK_EVERY_SECONDS = 0.25
ASK_TIMEOUT_SECONDS = 5.0
# Once may be bad luck; a process that ends this often while starting will not start.
MAX_EARLY_ENDS = 3
ENDED = ("exited", "backoff", "fatal")
SELF_CHECK_SECONDS = 60


class StartError(HangtagError):
    """Hangtag could not be started."""

    code = "start_failed"


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """What the whole main job said about a picture of ours."""

    category: str
    confidence: float
    version: int
    seconds: float


def wait_until_ready(settings: Settings, supervision: Supervision) -> dict[str, Any]:
    """Wait until the server takes and answers photos. Returns the checks of /readyz.

    Raises:
        StartError: a process does not start, or the time is over.
    """
    ends: Counter[str] = Counter()
    deadline = time.monotonic() + READY_SECONDS
    checks: dict[str, Any] = {}
    with httpx.Client(base_url=local_address(settings), timeout=ASK_TIMEOUT_SECONDS, trust_env=False) as http:
        while time.monotonic() < deadline:
            _count_ends(settings, supervision.next_change(ASK_EVERY_SECONDS), ends)
            if not supervision.alive:
                raise StartError(
                    f"The process manager ended. See {log_file(settings, 'supervisor')}:\n"
                    + last_lines(log_file(settings, "supervisor"))
                )
            checks = _checks(http)
            if _usable(checks):
                return checks
    missing = "; ".join(f"{name}: {check['detail']}" for name, check in checks.items() if not check["ok"])
    raise StartError(
        f"Hangtag was not ready within {READY_SECONDS:.0f} s ({missing or 'the web process is silent'}). "
        f"The logs are in {settings.data_dir / 'logs'}; 'hangtag doctor' says more."
    )


def self_check(settings: Settings) -> SelfCheck:
    """Send a picture drawn by our own code through HTTP, Redis, a worker and the database; then delete it.

    Raises:
        StartError: it was not answered.
    """
    began = time.monotonic()
    try:
        with Client(local_address(settings), api_key(settings)) as client:
            picture = sample_picture(int(time.time()))
            sent = client.classify(picture, name="self-check.png", wait=SELF_CHECK_SECONDS)
            answer, seconds = sent.suggestion, time.monotonic() - began
            client.delete_photo(sent.photo.id)  # it is nobody's
    except ClientError as error:
        raise StartError(
            f"The self-check photo was not answered and deleted within {SELF_CHECK_SECONDS} s: {error}"
        ) from error
    return SelfCheck(answer.category, answer.confidence, answer.model_version, seconds)


def _count_ends(settings: Settings, change: Change | None, ends: Counter[str]) -> None:
    if change is None or change.state not in ENDED:
        return
    ends[change.process] += 1
    if ends[change.process] >= MAX_EARLY_ENDS or change.state == "fatal":
        log = log_file(settings, change.process)
        raise StartError(
            f"{change.process} ended {ends[change.process]} times while starting. "
            f"The end of its log ({log}):\n{last_lines(log)}"
        )


def _checks(http: httpx.Client) -> dict[str, Any]:
    try:
        answer = http.get("/readyz")
        checks = answer.json()["checks"]
    except (httpx.TransportError, ValueError, KeyError):
        return {}
    return checks if isinstance(checks, dict) else {}


def _usable(checks: dict[str, Any]) -> bool:
    # Without a champion a worker has nothing to load an engine for; all that can be had then is a broker.
    needed = (
        {"database", "broker", "workers"} if checks.get("champion", {}).get("ok") else {"database", "broker"}
    )
    return needed <= checks.keys() and all(checks[name]["ok"] for name in needed)
