"""`hangtag models compare`, `imagenet` and `try`, and what `hangtag train` says without starting anything."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.datasets.importing import import_folder
from shared.errors import PermanentError
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.models import evaluated
from shared.tables import Job
from tests.cli.conftest import Command, Finisher
from tests.factories import CLASSES, add_champion, add_version, picture


@pytest.fixture(autouse=True)
def _two_versions_and_a_dataset(server: str, database: Database, blobs: BlobStore, tmp_path: Path) -> None:
    add_champion(database, blobs)
    add_version(database, blobs, seed=1, image_size=150)
    for number, (split, label) in enumerate((split, label) for split in Split for label in CLASSES):
        folder = tmp_path / "photos" / split / label
        folder.mkdir(parents=True)
        (folder / "0.jpg").write_bytes(picture(number))
    import_folder(database, blobs, tmp_path / "photos")


def answer_rightly(session: Any, job: Job) -> None:
    """Let both versions have every test photo right."""
    lines = datasets.lines(session, 1, Split.TEST)
    sure = np.array([[float(line.label == name) for name in CLASSES] for line in lines])
    for version in job.payload["versions"]:
        evaluated.record(session, version, evaluated.Answers(1, lines, sure), CLASSES)
    store.succeed(session, job.id, job.attempt, {"versions": [1, 2], "fixed": 0, "broken": 0})


def test_versions_answer_the_same_photos_before_they_are_compared(
    command: Command, database: Database
) -> None:
    with Finisher(database, JobKind.RESCORE, answer_rightly).at_work():
        shown = command("models", "compare", "1", "2")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[1].split() == ["all", "3", "1.000", "1.000", "0", "0", "0", "1"]
    known = json.loads(command("models", "compare", "1", "2", "--json").stdout)  # no job is needed any more
    assert known["overall"]["both_right"] == 3


def test_a_photo_is_answered_by_the_version_and_the_champion(
    command: Command, database: Database, tmp_path: Path
) -> None:
    def answer(session: Any, job: Job) -> None:
        top = [{"category": "hat", "probability": 0.9}, {"category": "dress", "probability": 0.1}]
        told = {"category": "hat", "confidence": 0.9, "decision": "suggest", "top": top}
        answers = [{"model_version": number, **told} for number in job.payload["versions"]]
        store.succeed(session, job.id, job.attempt, {"photo_id": job.photo_id, "answers": answers})

    (tmp_path / "hat.jpg").write_bytes(picture(50))
    with Finisher(database, JobKind.TRY, answer).at_work():
        shown = command("models", "try", "2", str(tmp_path / "hat.jpg"))
    assert [line.split()[:3] for line in shown.stdout.splitlines()[1:]] == [
        ["2", "hat", "0.900"],
        ["1", "hat", "0.900"],
    ]


def test_what_the_worker_says_about_the_untouched_network_is_passed_on(
    command: Command, database: Database
) -> None:
    def fail(session: Any, job: Job) -> None:
        store.fail(session, job.id, job.attempt, PermanentError("Put both files into a folder."))

    with Finisher(database, JobKind.IMAGENET, fail).at_work():
        shown = command("models", "imagenet")
    assert (shown.exit_code, "Put both files into a folder." in shown.output) == (1, True)


def test_forecast_and_preview_start_nothing(command: Command, database: Database, tmp_path: Path) -> None:
    said = command("train", "--preset", "quick", "--forecast")
    assert "for the features of 9 photos" in said.stdout
    picture_file = tmp_path / "varied.webp"
    command("train", "--preset", "quick", "--set", "augmentation.mode=exact", "--preview", str(picture_file))
    assert Image.open(io.BytesIO(picture_file.read_bytes())).format == "WEBP"
    with database.read() as session:
        assert store.page(session, kind=JobKind.TRAIN).items == []
