"""How each of them is started, asked and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.free_port import free_port
from benchmarks.installation import wait_until
from shared.settings import Settings

# One server for each photo asks again after this long whether its answer is there.
POLL_SECONDS = 0.05
Ask = Callable[[httpx.Client, bytes], str]


@dataclass(frozen=True, slots=True)
class Rival:
    """Commands that serve one address; `{python}`, `{bin}` and `{port}` are filled in."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    networks: tuple[str, ...]
    ask: Ask


def _at(path: str) -> Ask:
    def ask(client: httpx.Client, photo: bytes) -> str:
        response = client.post(path, files={"photo": ("photo.jpg", photo, "image/jpeg")})
        response.raise_for_status()
        answer: Any = response.json()
        # BentoML answers a batch of one, the others an object.
        return str(answer[0] if isinstance(answer, list) else answer["category"])

    return ask


def _ask_flask(client: httpx.Client, photo: bytes) -> str:
    task = client.post("/classify", files={"photo": ("photo.jpg", photo)}).raise_for_status().json()["id"]
    while True:
        category = client.get(f"/results/{task}").raise_for_status().json()["category"]
        if category is not None:
            return str(category)
        time.sleep(POLL_SECONDS)


RIVALS = {
    rival.name: rival
    for rival in (
        Rival(
            "flask-celery",
            (
                (
                    *("{python}", "-m", "gunicorn", "-k", "gthread", "-w", "2", "--threads", "32"),
                    *("-b", "127.0.0.1:{port}", "benchmarks.serving.flask_celery:app"),
                ),
                (
                    *("{python}", "-m", "celery", "-A", "benchmarks.serving.flask_celery:queue", "worker"),
                    *("-c", "1", "-l", "WARNING"),
                ),
            ),
            ("keras-predict",),
            _ask_flask,
        ),
        Rival(
            "bentoml",
            (("{bin}/bentoml", "serve", "benchmarks.serving.bento:Network", "--port", "{port}"),),
            ("tensorflow", "int8"),
            _at("/classify"),
        ),
        Rival(
            "litserve",
            (("{python}", "-m", "benchmarks.serving.lit"),),
            ("tensorflow", "int8"),
            _at("/predict"),
        ),
        Rival(
            "ray-serve",
            (("{python}", "-m", "benchmarks.serving.ray_app"),),
            ("tensorflow", "int8"),
            _at("/"),
        ),
    )
}


@contextmanager
def serving(rival: Rival, network: str, settings: Settings, python: Path, redis: str) -> Iterator[str]:
    """The address of `rival`, serving `network` of the data folder of `settings`, once it has answered."""
    port = free_port()
    folder = settings.data_dir / rival.name
    folder.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "BENCH_NETWORK": network,
        "BENCH_PORT": str(port),
        "BENCH_REDIS": redis,
        "BENCH_FOLDER": str(folder),
        # As our own prediction children: more threads for a small product wait for each other.
        "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    with ExitStack() as stack:
        for command in rival.commands:
            filled = [part.format(python=python, bin=python.parent, port=port) for part in command]
            stack.enter_context(_process_group(filled, environment, folder / "log"))
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _process_group(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("ab") as output:
        child = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(30)
        with suppress(ProcessLookupError):  # LitServe leaves processes behind, which would serve on
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def wait_for_answer(ask: Callable[[], str], what: str) -> None:
    """Wait until a photo is answered: loading may take a minute."""

    def answers() -> bool:
        try:
            return bool(ask())
        except httpx.HTTPError:
            return False

    wait_until(answers, what)
