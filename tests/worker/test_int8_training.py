"""Heads that learn from features in 8 bits: when that is allowed, what is mixed with what, what is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.datasets import store as datasets
from shared.datasets.sides import Sides
from shared.jobs.states import JobState, Split
from shared.models import engine_gates, registry
from shared.models.card import model_card
from shared.models.hyperparameters import HyperParameters
from shared.settings import Settings, load_settings
from shared.sweeps import store as sweeps
from shared.sweeps.plan import SweepPlan
from shared.tables import EngineGate, Job, ModelVersion
from tests.factories import add_champion, add_user
from tests.worker.conftest import RandomWeights
from tests.worker.int8_system import add_examples, int8_world, judge, pass_gate
from tests.worker.training_system import QUICK, add_training, job_now, version_of
from worker.context import WorkerContext
from worker.stopping import PlannedStop
from worker.sweep import run_sweep
from worker.train import run_training
from worker.training.feature_store import FeatureStore, features_folder, int8_variation


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture(scope="module")
def judged(
    tmp_path_factory: pytest.TempPathFactory,
    migrated_sqlite: Path,
    redis_url: str,
    random_weights: RandomWeights,
    built_engines: Path,
) -> Path:
    """A data folder with a champion, a dataset, and an int8 network on which the champion was judged."""
    folder = tmp_path_factory.mktemp("judged")
    shutil.copy(migrated_sqlite, folder / "hangtag.db")
    settings = load_settings({"HANGTAG_DATA_DIR": str(folder), "HANGTAG_REDIS_URL": redis_url})
    with int8_world(settings, *random_weights, built_engines) as context:
        base = context.settings.base_weights_digest
        champion = add_champion(context.database, context.blobs, base_digest=base)
        add_examples(context)
        assert judge(context).state is JobState.SUCCEEDED
        pass_gate(context, champion.number)
    return folder


@pytest.fixture
def context(judged: Path, settings: Settings, random_weights: RandomWeights) -> Iterator[WorkerContext]:
    """A worker on a copy of it."""
    shutil.copytree(judged, settings.data_dir, dirs_exist_ok=True)
    with int8_world(settings, *random_weights) as copied:
        yield copied


def train(context: WorkerContext, **changes: Any) -> Job:
    job = add_training(context, **changes)
    run_training(context, job.id, PlannedStop())
    return job_now(context, job)


def gate_of(context: WorkerContext, number: int) -> EngineGate:
    with context.database.read() as session:
        return session.get_one(EngineGate, number)


def store_of(context: WorkerContext, version: ModelVersion, variation: str = "") -> FeatureStore:
    return FeatureStore(features_folder(context.settings), registry.space_of(version), variation)


def test_what_is_learned_from_is_seen_in_8_bits_and_everything_measured_in_full_precision(
    context: WorkerContext,
) -> None:
    job = train(context, precision="int8")
    assert job.state is JobState.SUCCEEDED, job.error_message
    version = version_of(context, job)
    digest = gate_of(context, 1).network_digest or ""
    with context.database.read() as session:
        sides = Sides.of(line for split in Split for line in datasets.lines(session, 1, split))
    full, in_8_bits = store_of(context, version), store_of(context, version, int8_variation(digest))
    assert full.missing(sides.train.digests) == list(sides.train.digests)
    assert in_8_bits.missing(sides.train.digests) == []
    assert in_8_bits.missing(sides.test.digests) == list(sides.test.digests)
    head = registry.load_head(context.blobs, version)
    for name, side in (("validation", sides.validation), ("test", sides.test)):
        answers = head.probabilities(full.read(side.digests)).argmax(axis=1)
        truth = [version.classes.index(label) for label in side.labels]
        assert (answers == np.array(truth)).mean() == version.metrics[name]["accuracy"]
    assert version_of(context, train(context)).head_digest != version.head_digest


def test_a_version_that_learned_in_8_bits_says_so_and_is_judged_like_any_other(
    context: WorkerContext,
) -> None:
    version = version_of(context, train(context, precision="int8"))
    digest = gate_of(context, 1).network_digest or ""
    assert version.lineage["int8_network_digest"] == digest
    assert version.lineage["parameters"]["precision"] == "int8"
    assert version.lineage["engine"] == "openvino"
    assert version.metrics["int8_speed"]["engine"] == "openvino-int8"
    assert f"learned from features in 8 bits (int8 network {digest[:16]})" in model_card(version)
    judged = judge(context)
    assert (judged.state, judged.payload["model_version"]) == (JobState.SUCCEEDED, version.number)
    assert gate_of(context, version.number).network_digest == digest


def test_views_in_8_bits_do_not_take_the_place_of_those_in_full_precision(context: WorkerContext) -> None:
    views = {"augmentation.mode": "views", "augmentation.views": 1}
    assert train(context, **views).state is JobState.SUCCEEDED
    before = {path.name for path in features_folder(context.settings).glob("*.features")}
    assert train(context, precision="int8", **views).state is JobState.SUCCEEDED
    after = {path.name for path in features_folder(context.settings).glob("*.features")}
    (new,) = after - before
    assert "-int8-" in new


def refused(context: WorkerContext, reason: str) -> None:
    job = train(context, precision="int8")
    assert job.state is JobState.FAILED
    assert reason in (job.error_message or "")
    assert "set" in (job.error_message or "")
    assert "to 'full'" in (job.error_message or "")


def test_a_training_is_refused_in_a_sentence_where_no_version_has_passed(context: WorkerContext) -> None:
    with context.database.write() as session:
        verdict = engine_gates.Verdict("d" * 64, passed=False, figures={}, reason="It was refused.")
        engine_gates.decide(session, 1, verdict)
    refused(context, "No int8 engine for 71 px has passed its check under OpenVINO")


def test_a_judgement_under_another_release_of_openvino_does_not_count(context: WorkerContext) -> None:
    with context.database.write() as session:
        session.get_one(EngineGate, 1).openvino = "2020.1.0"
    refused(context, "has passed its check under OpenVINO")


def test_an_int8_network_that_is_gone_is_not_replaced_by_another_one(context: WorkerContext) -> None:
    with context.database.write() as session:
        session.get_one(EngineGate, 1).network_digest = "d" * 64
    refused(context, "missing or damaged")


def test_a_sweep_can_compare_the_two_precisions(context: WorkerContext) -> None:
    plan = SweepPlan(over={"precision": ["full", "int8"]})
    trials = plan.trials(HyperParameters.from_values(QUICK))
    owner = add_user(context.database, "Ada", "admin")
    with context.database.write() as session:
        job = sweeps.create(session, owner.id, 1, trials, plan, True)
    run_sweep(context, job.id, PlannedStop())
    assert job_now(context, job).state is JobState.SUCCEEDED, job_now(context, job).error_message
    with context.database.read() as session:
        made = {
            version.lineage["parameters"]["precision"]: version.lineage.get("int8_network_digest")
            for version in registry.versions(session)
            if "sweep" in version.lineage
        }
    assert made == {"full": None, "int8": gate_of(context, 1).network_digest}
