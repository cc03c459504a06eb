"""Whose int8 engine is judged next, and what a judgement leaves behind."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.errors import PermanentError
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.models import engine_gates
from shared.models.engine_gates import MIN_PHOTOS
from shared.models.feature_space import FeatureSpace
from shared.models.parameter_fields import ParametersError
from shared.tables import Example, Job
from tests.factories import CLASSES, add_champion, add_version

RELEASE = "2026.4.1"
VERDICT = engine_gates.Verdict("d" * 64, passed=True, figures={"photos": 341}, reason="It passed.")


def add_dataset(
    database: Database, first: int = 0, classes: Sequence[str] = CLASSES, validation: int = MIN_PHOTOS
) -> int:
    """A dataset version with a photo of every category on every side, and so many validation photos."""
    sides = [(split, name) for split in Split for name in classes]
    sides += [(Split.VALIDATION, classes[0])] * (validation - len(classes))
    with database.write() as session:
        for number, (split, name) in enumerate(sides, start=first):
            session.add(Example(digest=f"{number:064x}", label=name, split=split, source="test"))
        session.flush()
        return datasets.freeze(session).number


def request(database: Database, release: str = RELEASE) -> Job | None:
    with database.write() as session:
        return engine_gates.request_next(session, release)


def judged(database: Database, verdict: engine_gates.Verdict = VERDICT, release: str = RELEASE) -> int:
    """Ask for the next judgement and make it. Returns the number of the version it was about."""
    job = request(database, release)
    assert job is not None
    number: int = job.payload["model_version"]
    with database.write() as session:
        engine_gates.decide(session, number, verdict)
        store.request_cancel(session, job.id)  # out of the way of the next one
    return number


def test_nothing_is_judged_without_photos(database: Database, blobs: BlobStore) -> None:
    add_champion(database, blobs)
    assert request(database) is None


def test_a_dataset_of_other_categories_or_with_few_validation_photos_judges_nobody(
    database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    add_dataset(database, validation=MIN_PHOTOS - 1)
    assert request(database) is None
    add_dataset(database, first=1000, classes=("boot", "sock"))
    assert request(database) is None


def test_the_champion_is_judged_first_then_what_could_take_its_place_each_once(
    database: Database, blobs: BlobStore
) -> None:
    others = [add_version(database, blobs, seed=seed).number for seed in (1, 2)]
    champion = add_champion(database, blobs).number
    add_version(database, blobs, image_size=150)  # in another feature space: not without being promoted
    add_dataset(database)
    assert [judged(database) for _ in range(3)] == [champion, others[1], others[0]]
    assert request(database) is None


def test_one_judgement_is_at_work_at_a_time(database: Database, blobs: BlobStore) -> None:
    add_champion(database, blobs)
    add_version(database, blobs, seed=1)
    add_dataset(database)
    job = request(database)
    assert job is not None
    assert job.kind is JobKind.QUANTIZE
    assert request(database) is None


def test_the_network_of_an_earlier_judgement_is_used_again_in_its_feature_space(
    database: Database, blobs: BlobStore
) -> None:
    space = add_champion(database, blobs).feature_space
    add_dataset(database)
    judged(database)
    with database.read() as session:
        assert engine_gates.quantized_network(session, space, RELEASE) == VERDICT.network_digest
        assert engine_gates.quantized_network(session, space, "2027.1.0") is None
        assert engine_gates.quantized_network(session, "another space", RELEASE) is None


def test_another_release_of_openvino_has_everybody_judged_anew(database: Database, blobs: BlobStore) -> None:
    number = add_champion(database, blobs).number
    add_dataset(database)
    judged(database)
    assert judged(database, release="2027.1.0") == number
    with database.read() as session:
        gate = engine_gates.of(session, number)
    assert gate is not None
    assert gate.openvino == "2027.1.0"


def test_a_refusal_is_looked_at_again_on_a_newer_dataset_only(database: Database, blobs: BlobStore) -> None:
    number = add_champion(database, blobs).number
    add_dataset(database)
    judged(database, engine_gates.Verdict("d" * 64, passed=False, figures={}, reason="It was refused."))
    assert request(database) is None
    add_dataset(database, first=1000)
    assert judged(database) == number
    add_dataset(database, first=2000)
    assert request(database) is None


@pytest.mark.parametrize(("error", "ended"), [(PermanentError(), "failed"), (None, "was cancelled")])
def test_a_judgement_whose_job_ended_without_one_says_so_and_names_the_job(
    database: Database, blobs: BlobStore, error: PermanentError | None, ended: str
) -> None:
    number = add_champion(database, blobs).number
    add_dataset(database)
    job = request(database)
    assert job is not None
    with database.write() as session:
        if error is None:
            store.request_cancel(session, job.id)
        else:
            claimed = store.claim(session, JobKind.QUANTIZE, "w1", 1)[0]
            store.fail(session, job.id, claimed.attempt, error)
    assert request(database) is None
    with database.write() as session:
        gate = engine_gates.of(session, number)
        assert gate is not None
        assert (gate.passed, f"{ended}. Look at job {job.id}" in (gate.reason or "")) == (False, True)
        store.retry(session, job.id)
        engine_gates.decide(session, number, VERDICT)
        assert gate.passed
    add_dataset(database, first=1000)
    assert request(database) is None


def test_features_in_8_bits_need_a_version_of_their_space_that_passed(
    database: Database, blobs: BlobStore
) -> None:
    add_champion(database, blobs)
    space, other = FeatureSpace("0" * 64, 71), FeatureSpace("0" * 64, 150)
    add_dataset(database)
    judged(database, engine_gates.Verdict("d" * 64, passed=False, figures={}, reason="It was refused."))
    with database.read() as session, pytest.raises(ParametersError, match="for 71 px has passed") as refusal:
        engine_gates.require_passed_network(session, space)
    assert [field["field"] for field in refusal.value.fields] == ["precision"]
    add_dataset(database, first=1000)
    judged(database, engine_gates.Verdict("e" * 64, passed=True, figures={}, reason="It passed."))
    with database.read() as session:
        assert engine_gates.require_passed_network(session, space) == "e" * 64
        assert engine_gates.require_passed_network(session, space, RELEASE) == "e" * 64
        with pytest.raises(ParametersError, match=r"under OpenVINO 2027\.1\.0"):
            engine_gates.require_passed_network(session, space, "2027.1.0")
        with pytest.raises(ParametersError, match="for 150 px"):
            engine_gates.require_passed_network(session, other)
