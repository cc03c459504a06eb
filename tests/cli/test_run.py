"""`hangtag run` whole: real processes, a real network with random weights, one Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.live_system import prepare_system
from tests.processes import wait_until, with_command

HANGTAG = Path(sys.executable).with_name("hangtag")
# Two busy cores build an engine and start eight Pythons.
START_SECONDS = 180
STOP_SECONDS = 120
# For the kernel to clear away what has ended.
GONE_SECONDS = 30
SERVING = "Hangtag is serving"


class Run:
    """One `hangtag run` and what it printed so far."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._server = subprocess.Popen(
            [HANGTAG, "run"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        self.family: list[psutil.Process] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            self.output += line

    @property
    def process(self) -> psutil.Process:
        """The `hangtag run` itself."""
        return psutil.Process(self._server.pid)

    def wait_for(self, text: str, seconds: float = START_SECONDS) -> None:
        """Wait until this was printed."""
        wait_until(lambda: text in self.output or self._server.poll() is not None, seconds, text)
        assert text in self.output, self.output
        self.family = [self.process, *self.process.children(recursive=True)]

    def named(self, part: str) -> psutil.Process:
        """The first process of the family with this in its command line."""
        return with_command(self.family, part)[0]

    def stop(self) -> int:
        """Press Ctrl-C as a terminal does, which tells the whole group, and return the exit status.

        All that was printed is read by then.
        """
        os.killpg(self._server.pid, signal.SIGINT)
        status = self._server.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        return status

    def end(self) -> None:
        """Leave nothing behind, whatever happened in the test."""
        if self._server.poll() is None:
            self._server.terminate()
            self._server.wait(STOP_SECONDS)
        for process in self.family:
            if _lives(process):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._reader.join()
        assert self._server.stdout is not None
        self._server.stdout.close()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A Hangtag with small pictures, random weights and a random head that serves."""
    folder = tmp_path_factory.mktemp("run")
    return {**os.environ, **prepare_system(folder).env}


@pytest.fixture(scope="module")
def first(environment: dict[str, str]) -> Iterator[Run]:
    """Its first start, serving until a test ends it."""
    yield from _serving(environment)


@pytest.fixture(scope="module")
def run(first: Run, environment: dict[str, str]) -> Iterator[Run]:
    """Its second start, serving until the last test of this file kills it."""
    first.end()
    yield from _serving(environment)


def _serving(environment: dict[str, str]) -> Iterator[Run]:
    started = Run(environment)
    try:
        started.wait_for(SERVING)
        yield started
    finally:
        started.end()


def _left(run: Run) -> list[psutil.Process]:
    return [process for process in run.family if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_redis_that_does_not_answer_stops_the_start_in_a_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    elsewhere = {
        **environment,
        "HANGTAG_DATA_DIR": str(tmp_path),
        "HANGTAG_REDIS_URL": "redis+socket:///no/such/redis.sock",
    }
    done = subprocess.run([HANGTAG, "run"], env=elsewhere, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "HANGTAG_REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_command_shows_the_whole_main_job_and_one_ctrl_c_ends_it(
    first: Run, environment: dict[str, str]
) -> None:
    assert re.search(r"Self-check +drawn t-shirt -> (dress|hat|shirt), .*version 1, \d+ ms", first.output)
    assert f"from HANGTAG_BASE_WEIGHTS={environment['HANGTAG_BASE_WEIGHTS']}, digest " in first.output
    assert f"http://127.0.0.1:{environment['HANGTAG_PORT']}/sign-in/" in first.output
    assert first.stop() == 0
    wait_until(lambda: not _left(first), GONE_SECONDS, "all processes end")
    assert "Stopped." in first.output


def test_the_picture_of_the_self_check_is_nobodys_photo(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    assert "Self-check" in run.output
    export = [str(HANGTAG), "data", "export", str(tmp_path / "mine.zip")]
    subprocess.run(export, env=environment, check=True, timeout=60)
    with zipfile.ZipFile(tmp_path / "mine.zip") as mine:
        assert mine.read("photos.jsonl") == b""


def test_a_second_start_builds_nothing(run: Run) -> None:
    assert "built before" in run.output


def test_a_process_that_is_killed_comes_back_and_the_terminal_says_so(run: Run) -> None:
    run.named("worker.maintain").kill()
    run.wait_for("maintain ended (killed); starting it again.", 30)
    run.wait_for("maintain runs again", 30)


def test_a_second_run_on_the_same_data_is_refused(run: Run, environment: dict[str, str]) -> None:
    done = subprocess.run([HANGTAG, "run"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Another 'hangtag run'" in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells children of it")
def test_a_run_that_is_killed_leaves_nothing_behind(run: Run) -> None:
    run.process.kill()
    wait_until(lambda: not _left(run), STOP_SECONDS, "all processes end")
