"""`hangtag models`, `promote`, `rollback` and `train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.models import registry
from shared.tables import Example, Job, TrainingEpoch
from tests.cli.conftest import Command, Finisher
from tests.factories import CLASSES, EVALUATION, add_answer, add_champion, add_photo, add_user, add_version


@pytest.fixture
def two_versions(server: str, database: Database, blobs: BlobStore) -> None:
    """Version 1 serves, version 2 waits."""
    add_champion(database, blobs, seed=1)
    add_version(database, blobs, seed=2)


@pytest.fixture
def dataset(server: str, database: Database) -> None:
    """A dataset version that can be trained on."""
    with database.write() as session:
        for place, (split, label) in enumerate((split, label) for split in Split for label in CLASSES):
            session.add(Example(digest=f"{place:064}", label=label, split=split, source="test"))
        datasets.freeze(session)


def _champion(command: Command) -> int:
    versions = json.loads(command("models", "--json").stdout)
    (number,) = [version["number"] for version in versions if "champion" in version["aliases"]]
    return int(number)


@pytest.mark.usefixtures("two_versions")
def test_versions_are_listed_with_accuracy_and_its_interval(command: Command) -> None:
    listed = command("models").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["2", "1"]
    assert "champion" in listed[2]
    assert "0.833 (0.757 to 0.889)" in listed[2]


@pytest.mark.usefixtures("two_versions")
def test_promote_moves_the_champion(command: Command) -> None:
    assert command("promote", "2", "--reason", "Better on hats.").exit_code == 0
    assert _champion(command) == 2
    again = command("promote", "2", "--reason", "Better on hats.")
    assert (again.exit_code, again.stderr) == (0, "Version 2 is the champion already.\n")


@pytest.mark.usefixtures("server")
def test_what_the_gate_found_is_listed_once_with_the_way_around_it(
    command: Command, database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs, seed=1)
    few = {**EVALUATION, "count": 20}
    add_version(database, blobs, seed=2, metrics={"validation": few, "test": few})
    result = command("promote", "2", "--reason", "Better on hats.")
    assert result.exit_code == 1
    assert result.stderr.count("test photos") == 1
    assert "\n- " in result.stderr
    assert "--override" in result.stderr
    assert command("promote", "2", "--reason", "Better on hats.", "--override").exit_code == 0


@pytest.mark.usefixtures("two_versions")
def test_rollback_goes_to_the_version_before(command: Command) -> None:
    command("promote", "2", "--reason", "Better on hats.")
    assert command("rollback").exit_code == 0
    assert _champion(command) == 1


@pytest.mark.usefixtures("two_versions")
def test_the_first_champion_has_nothing_to_go_back_to(command: Command) -> None:
    result = command("rollback")
    assert result.exit_code == 1
    assert "Version 1 was the first champion" in result.stderr


@pytest.mark.usefixtures("two_versions")
def test_a_second_rollback_says_where_the_way_back_ends_and_what_else_there_is(command: Command) -> None:
    command("promote", "2", "--reason", "Better on hats.")
    assert command("rollback").exit_code == 0
    again = command("rollback")
    assert again.exit_code == 1
    assert "Version 1 was the first champion; there is nothing further back." in again.stderr
    assert "hangtag promote N" in again.stderr
    assert _champion(command) == 1


@pytest.mark.usefixtures("two_versions")
def test_a_version_that_does_not_exist_is_not_promoted(command: Command) -> None:
    result = command("promote", "9", "--reason", "Why not.")
    assert result.exit_code == 1
    assert "version 9" in result.stderr
    assert _champion(command) == 1


@pytest.mark.usefixtures("two_versions")
def test_a_version_is_made_a_shadow_and_compared_on_sellers_photos(
    command: Command, database: Database, blobs: BlobStore
) -> None:
    made = command("models", "shadow", "2")
    assert "hangtag models compare 1 2 --live" in made.stderr
    with database.read() as session:
        assert registry.aliases(session)["shadow-2"] == 2
        versions = [registry.find(session, number) for number in (1, 2)]
    photo = add_photo(database, blobs, add_user(database))
    for version, category in zip(versions, ("hat", "shirt"), strict=True):
        add_answer(database, photo, version, **{category: 0.9})
    shown = command("models", "compare", "1", "2", "--live").stdout
    assert "1 that both answered" in shown
    assert shown.splitlines()[-1].split() == ["hat", "shirt", "1"]
    known = json.loads(command("models", "compare", "1", "2", "--live", "--json").stdout)
    assert (known["count"], known["same"], known["labelled"]) == (1, 0, None)
    assert command("models", "shadow", "2", "--stop").exit_code == 0
    with database.read() as session:
        assert registry.aliases(session) == {"champion": 1}


@pytest.mark.usefixtures("two_versions")
def test_a_champion_that_is_named_a_shadow_is_told_when_it_will_be_one(command: Command) -> None:
    assert "once another one is" in command("models", "shadow", "1").stderr


@pytest.mark.usefixtures("two_versions")
def test_a_version_that_sees_photos_otherwise_is_no_shadow(
    command: Command, database: Database, blobs: BlobStore
) -> None:
    number = add_version(database, blobs, image_size=150).number
    refused = command("models", "shadow", str(number))
    assert refused.exit_code == 1
    assert "sees photos otherwise" in refused.stderr


@pytest.mark.usefixtures("two_versions")
def test_a_version_is_exported_as_files(command: Command, tmp_path: Path) -> None:
    assert command("models", "export", "1", str(tmp_path / "out")).exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "head.npz",
        "version.json",
        "MODEL_CARD.md",
    }


def _finish(session: Any, job: Job) -> None:
    store.succeed(session, job.id, job.attempt, {"model_version": 7})


@pytest.mark.usefixtures("dataset")
def test_a_training_is_followed_to_its_version(command: Command, database: Database) -> None:
    with Finisher(database, JobKind.TRAIN, _finish).at_work():
        result = command("train", "--preset", "quick", "--set", "epochs=3", "--wait")
    assert result.exit_code == 0
    assert "version 7" in result.stderr


@pytest.mark.usefixtures("dataset")
def test_changes_to_the_preset_reach_the_job(command: Command, database: Database) -> None:
    result = command("train", "--set", "learning_rate=0.01", "--set", "class_weighting=balanced", "--json")
    job_id = json.loads(result.stdout)["id"]
    with database.read() as session:
        parameters = store.find(session, job_id).payload["parameters"]
    assert (parameters["learning_rate"], parameters["class_weighting"]) == (0.01, "balanced")


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize(
    ("change", "named"), [("epochs=-1", "Epochs"), ("epocs=3", "epocs"), ("epochs", "NAME=VALUE")]
)
def test_a_change_that_cannot_be_used_is_named(command: Command, change: str, named: str) -> None:
    result = command("train", "--set", change)
    assert result.exit_code == 2
    assert named in result.stderr


@pytest.mark.usefixtures("dataset")
def test_a_preset_that_does_not_exist_is_said_once(command: Command) -> None:
    result = command("train", "--preset", "nope")
    assert result.exit_code == 2
    assert result.stderr.count("There is no preset called 'nope'.") == 1


@pytest.mark.usefixtures("dataset")
def test_jobs_are_listed_and_filtered(command: Command) -> None:
    command("train", "--preset", "quick")
    assert "train" in command("jobs").stdout
    assert len(json.loads(command("jobs", "--kind", "train", "--state", "queued", "--json").stdout)) == 1
    assert json.loads(command("jobs", "--kind", "classify", "--json").stdout) == []


def _with_epochs(session: Any, job: Job) -> None:
    for epoch, accuracy in enumerate((0.5, 0.75, 0.625), start=1):
        figures = {"loss": 1 / epoch, "accuracy": accuracy, "val_loss": 1.0, "val_accuracy": accuracy}
        session.add(TrainingEpoch(job_id=job.id, attempt=job.attempt, epoch=epoch, seconds=0.1, **figures))
    _finish(session, job)


@pytest.mark.usefixtures("dataset")
def test_a_watched_training_tells_each_epoch(command: Command, database: Database) -> None:
    with Finisher(database, JobKind.TRAIN, _with_epochs).at_work():
        result = command("train", "--preset", "quick", "--watch")
    assert result.exit_code == 0
    told = [line for line in result.stderr.splitlines() if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in told] == ["epoch 1", "epoch 2", "epoch 3"]
    assert "validation accuracy 0.750" in told[1]


@pytest.mark.usefixtures("server")
def test_a_version_that_learned_in_8_bits_says_so(
    command: Command, database: Database, blobs: BlobStore
) -> None:
    add_version(database, blobs)
    add_version(database, blobs, lineage={"int8_network_digest": "d" * 64})
    assert "8 bits" not in command("models", "show", "1").stdout
    assert "features in 8 bits (int8 network dddddddddddddddd)" in command("models", "show", "2").stdout
    wrong = command("train", "--preset", "quick", "--set", "precision=int7")
    assert "Precision of features must be one of full, int8." in wrong.stderr
