"""`hangtag classify` against a real server."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cli.outcome import Status
from hangtag_client import BatchAnswer, Client, UnreachableError
from shared.database import Database
from shared.errors import PhotoCorruptError
from shared.jobs import store
from shared.jobs.states import JobKind
from shared.tables import Batch, Job
from tests.archives import archive
from tests.cli.conftest import Command, Finisher
from tests.factories import picture

ANSWER = {
    "category": "hat",
    "confidence": 0.93,
    "decision": "suggest",
    "top": [{"category": "hat", "probability": 0.93}],
    "model_version": 3,
}


def _answer(session: Any, job: Job) -> None:
    store.succeed(session, job.id, job.attempt, {**ANSWER, "photo_id": job.photo_id})


def _refuse(session: Any, job: Job) -> None:
    store.fail(session, job.id, job.attempt, PhotoCorruptError())


@pytest.fixture
def answering(server: str, database: Database) -> Iterator[None]:
    """The server, with somebody who answers."""
    with Finisher(database, JobKind.CLASSIFY, _answer).at_work():
        yield


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Three photos on disk."""
    paths = [tmp_path / f"photo-{seed}.jpg" for seed in range(3)]
    for seed, path in enumerate(paths):
        path.write_bytes(picture(seed))
    return paths


@pytest.mark.usefixtures("answering")
def test_every_photo_gets_a_line_in_the_order_given(command: Command, photos: list[Path]) -> None:
    result = command("classify", *map(str, photos))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [str(photo) for photo in photos]
    assert all("hat" in line and "Sure (0.93)" in line and "suggest" in line for line in lines)


@pytest.mark.usefixtures("answering")
def test_programs_get_json(command: Command, photos: list[Path]) -> None:
    result = command("classify", "--json", str(photos[0]))
    (outcome,) = json.loads(result.stdout)
    assert outcome["photo"] == str(photos[0])
    assert {name: outcome[name] for name in ANSWER} == ANSWER
    assert outcome["milliseconds"] > 0
    assert outcome["error"] is None


@pytest.mark.usefixtures("answering")
def test_a_folder_stands_for_the_photos_in_it(command: Command, photos: list[Path]) -> None:
    (photos[0].parent / "notes.txt").write_text("no photo")
    result = command("classify", "--json", str(photos[0].parent))
    assert [outcome["photo"] for outcome in json.loads(result.stdout)] == [str(photo) for photo in photos]


@pytest.mark.usefixtures("answering")
def test_one_bad_photo_does_not_stop_the_others(command: Command, photos: list[Path], tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("this is no photo")
    result = command("classify", "--json", str(text), str(photos[0]))
    assert result.exit_code == 1
    errors = [outcome["error"] for outcome in json.loads(result.stdout)]
    assert "JPEG, PNG and WebP" in errors[0]
    assert errors[1] is None


@pytest.mark.usefixtures("server")
def test_a_name_that_leads_to_no_file_sends_nothing(
    command: Command, database: Database, photos: list[Path], tmp_path: Path
) -> None:
    result = command("classify", str(photos[0]), str(tmp_path / "missing.jpg"))
    assert result.exit_code == Status.WRONG_CALL
    assert "does not exist" in result.stderr
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0


@pytest.mark.usefixtures("answering")
def test_many_photos_go_in_batches_and_come_back_in_order(
    command: Command, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hangtag_client.photos.PHOTOS_PER_BATCH", 30)
    folder = tmp_path / "many"
    folder.mkdir()
    for seed in range(59):
        (folder / f"{seed:02}.jpg").write_bytes(picture(seed))
    (folder / "59.jpg").write_text("no photo")
    result = command("classify", "--json", str(folder))
    outcomes = json.loads(result.stdout)
    assert [Path(outcome["photo"]).stem for outcome in outcomes] == [f"{seed:02}" for seed in range(60)]
    assert [outcome["category"] for outcome in outcomes] == ["hat"] * 59 + [None]
    assert "JPEG, PNG and WebP" in outcomes[-1]["error"]
    assert result.exit_code == 1
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Batch)) == 2


@pytest.mark.usefixtures("answering")
def test_a_zip_stands_for_the_photos_in_it(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    path.write_bytes(archive({"red.jpg": picture(1), "blue.jpg": picture(2)}))
    result = command("classify", "--json", str(path))
    assert result.exit_code == 0
    assert [outcome["photo"] for outcome in json.loads(result.stdout)] == [
        f"{path}: red.jpg",
        f"{path}: blue.jpg",
    ]


@pytest.mark.usefixtures("answering")
def test_answers_that_came_before_the_server_went_away_are_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    first.write_bytes(archive({"red.jpg": picture(1)}))
    second.write_bytes(archive({"blue.jpg": picture(2)}))
    send = Client.create_batch_from_zip

    def only_the_first(client: Client, path: Path) -> BatchAnswer:
        if path == second:
            raise UnreachableError("Hangtag does not answer.")
        return send(client, path)

    monkeypatch.setattr(Client, "create_batch_from_zip", only_the_first)
    result = command("classify", "--json", str(first), str(second))
    assert result.exit_code == Status.UNREACHABLE
    assert "does not answer" in result.stderr
    assert [outcome["photo"] for outcome in json.loads(result.stdout)] == [f"{first}: red.jpg"]


@pytest.mark.usefixtures("answering")
def test_an_unsafe_zip_says_why(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    path.write_bytes(archive({"../red.jpg": picture(1)}))
    result = command("classify", "--json", str(path))
    assert result.exit_code == 1
    assert "points out of the archive" in json.loads(result.stdout)[0]["error"]


@pytest.mark.usefixtures("server")
def test_a_failed_job_says_why(command: Command, database: Database, photos: list[Path]) -> None:
    with Finisher(database, JobKind.CLASSIFY, _refuse).at_work():
        result = command("classify", "--json", str(photos[0]))
    assert result.exit_code == 1
    assert "damaged" in json.loads(result.stdout)[0]["error"]


@pytest.mark.usefixtures("server")
def test_an_answer_that_does_not_come_in_time_keeps_its_job(command: Command, photos: list[Path]) -> None:
    result = command("classify", "--json", "--wait", "1", str(photos[0]))
    (outcome,) = json.loads(result.stdout)
    assert result.exit_code == Status.GOES_ON
    assert outcome["job_id"] in outcome["error"]


def test_a_server_that_is_not_there_is_one_sentence(
    command: Command, started: object, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:  # bound but not listening: nobody else can take the port
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HANGTAG_URL", f"http://127.0.0.1:{probe.getsockname()[1]}")
        result = command("classify", str(photos[0]))
    assert result.exit_code == Status.UNREACHABLE
    assert "does not answer" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("server")
def test_a_wrong_key_stops_at_once(
    command: Command, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGTAG_API_KEY", "htk_wrong")
    result = command("classify", *map(str, photos))
    assert result.exit_code == Status.NOT_ALLOWED
    assert "HANGTAG_API_KEY" in result.stderr


def test_without_a_key_the_sentence_says_where_to_get_one(
    command: Command, photos: list[Path], data_dir: Path
) -> None:
    result = command("classify", str(photos[0]))
    assert result.exit_code == 2
    assert "hangtag run" in result.stderr
    assert not data_dir.exists(), "asking must not create a data folder"
    assert "HANGTAG_SECRET_KEY" not in os.environ
