"""`--watch`: by the event stream, by asking where there is none, left by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.local import api_key
from cli.outcome import Status
from hangtag_client import Client, UnreachableError
from shared.database import Database
from shared.errors import PhotoCorruptError
from shared.jobs import store
from shared.jobs.states import JobKind, JobState
from shared.settings import Settings
from shared.tables import Job, TrainingEpoch
from tests.cli.conftest import Command, Finisher
from tests.factories import add_job, picture
from tests.processes import wait_until
from web.streams import MAX_STREAMS_PER_PERSON

ROOT = Path(__file__).resolve().parents[2]
HANGTAG = "from cli.main import app; app(prog_name='hangtag')"


def _succeed(session: Any, job: Job) -> None:
    answer = {"category": "hat", "confidence": 0.93, "decision": "suggest", "top": [], "model_version": 3}
    store.succeed(session, job.id, job.attempt, answer)


def _fail(session: Any, job: Job) -> None:
    store.fail(session, job.id, job.attempt, PhotoCorruptError())


@pytest.mark.usefixtures("server")
def test_a_watched_job_is_shown_at_its_end_and_its_end_is_the_status(
    command: Command, database: Database
) -> None:
    good, bad = add_job(database), add_job(database, JobKind.REPORT)
    with (
        Finisher(database, JobKind.CLASSIFY, _succeed).at_work(),
        Finisher(database, JobKind.REPORT, _fail).at_work(),
    ):
        answered = command("jobs", "show", good.id, "--watch")
        failed = command("jobs", "show", bad.id, "--watch")
    assert (answered.exit_code, "hat, Sure (0.93), version 3" in answered.stdout) == (Status.DONE, True)
    assert (failed.exit_code, f"hangtag jobs retry {bad.id}" in failed.stderr) == (Status.FAILED, True)


@contextmanager
def every_stream_taken(server: str, settings: Settings, job: Job) -> Iterator[None]:
    """Have as many streams open as one person may."""
    headers = {"Authorization": f"Bearer {api_key(settings)}"}
    with ExitStack() as opened:
        http = opened.enter_context(httpx.Client(headers=headers, timeout=60))
        for _ in range(MAX_STREAMS_PER_PERSON):
            response = opened.enter_context(http.stream("GET", f"{server}/api/v1/jobs/{job.id}/events"))
            assert response.is_success
        yield


def test_without_a_stream_to_be_had_the_job_is_asked_for(
    command: Command, database: Database, server: str, started: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hangtag_client.events.TRIES", 1)
    other, job = add_job(database, JobKind.REPORT), add_job(database)
    with (
        every_stream_taken(server, started, other),
        Finisher(database, JobKind.CLASSIFY, _succeed).at_work(),
    ):
        assert command("jobs", "show", job.id, "--watch").exit_code == Status.DONE
    with database.write() as session:
        store.request_cancel(session, other.id)  # ends its streams


@pytest.mark.usefixtures("server")
def test_a_server_that_goes_away_ends_the_watching_and_not_the_work(
    command: Command, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_client: Client, _job_id: str) -> Iterator[Job]:
        raise UnreachableError

    monkeypatch.setattr(Client, "events", gone)
    job = add_job(database)
    result = command("jobs", "show", job.id, "--watch")
    assert result.exit_code == Status.UNREACHABLE
    assert f"hangtag jobs show {job.id} --watch" in result.stderr


def started_process(settings: Settings, *words: str) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    env = {**os.environ, "HANGTAG_DATA_DIR": str(settings.data_dir)}
    call = [sys.executable, "-c", HANGTAG, *words]
    return subprocess.Popen(call, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)


@pytest.mark.usefixtures("server")
def test_ctrl_c_ends_the_watching_and_not_the_training(started: Settings, database: Database) -> None:
    job = add_job(database, JobKind.TRAIN)
    figures = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 0.1}
    with database.write() as session:
        session.add(TrainingEpoch(job_id=job.id, attempt=1, epoch=1, **figures))
    with started_process(started, "jobs", "show", job.id, "--watch") as watching:
        assert watching.stderr is not None
        assert watching.stderr.readline().startswith("epoch 1")
        watching.send_signal(signal.SIGINT)
        _, told = watching.communicate(timeout=30)
    assert watching.returncode == Status.INTERRUPTED
    assert f"hangtag jobs show {job.id} --watch" in told
    assert f"hangtag jobs cancel {job.id}" in told
    assert "Traceback" not in told
    with database.read() as session:
        assert store.find(session, job.id).state is JobState.QUEUED


@pytest.mark.usefixtures("server")
def test_ctrl_c_while_photos_wait_for_their_answers_says_that_they_are_answered(
    started: Settings, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(picture(1))

    def sent() -> bool:
        with database.read() as session:
            return bool(store.page(session, limit=1).items)

    with started_process(started, "classify", str(tmp_path / "a.jpg")) as waiting:
        wait_until(sent, 30, "the photo's job")
        waiting.send_signal(signal.SIGINT)
        _, told = waiting.communicate(timeout=30)
    assert waiting.returncode == Status.INTERRUPTED
    assert "hangtag jobs --kind classify" in told
    assert "Traceback" not in told


@pytest.mark.usefixtures("server")
def test_a_batch_is_watched_to_the_outcome_of_each_photo(
    command: Command, database: Database, server: str, started: Settings
) -> None:
    headers = {"Authorization": f"Bearer {api_key(started)}"}
    files = [("photo", ("a.jpg", picture(1))), ("photo", ("b.txt", b"no photo"))]
    made = httpx.post(f"{server}/api/v1/batches", headers=headers, files=files, timeout=60).json()["batch"]
    with Finisher(database, JobKind.CLASSIFY, _succeed).at_work():
        result = command("batches", "show", made["id"], "--watch")
    assert result.exit_code == Status.FAILED
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["a.jpg", "b.txt"]
    assert "b.txt: Hangtag takes JPEG" in result.stderr
