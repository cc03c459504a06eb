"""Sweeps from the queued job to the best trial's version: competing, cancelled, interrupted."""

from __future__ import annotations

from typing import Any

import pytest

from shared.jobs import store
from shared.jobs.states import JobState, TrialState
from shared.models.card import model_card
from shared.models.hyperparameters import HyperParameters
from shared.sweeps import store as sweeps
from shared.sweeps.plan import SweepPlan
from shared.tables import Job, ModelVersion, SweepTrial
from tests.factories import add_user
from tests.worker.training_system import QUICK, add_training, epochs_of, job_now, version_of
from worker import sweep as handler
from worker.context import WorkerContext
from worker.stopping import PlannedStop
from worker.sweep import run_sweep
from worker.train import run_training
from worker.training import register

RATES = [0.0001, 0.001, 0.01]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def add_sweep(context: WorkerContext, register_all: bool = False, **plan: Any) -> Job:
    wanted = SweepPlan.model_validate({"over": {"learning_rate": RATES}, **plan})
    made = wanted.trials(HyperParameters.from_values(QUICK))
    owner = add_user(context.database, "Ada", "admin")
    with context.database.write() as session:
        return sweeps.create(session, owner.id, 1, made, wanted, register_all)


def trials_of(context: WorkerContext, job: Job) -> list[SweepTrial]:
    with context.database.read() as session:
        return sweeps.trials(session, job.id)


def versions_of(context: WorkerContext) -> list[ModelVersion]:
    with context.database.read() as session:
        return session.query(ModelVersion).order_by(ModelVersion.number).all()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which trainings were judged on the test photos."""
    seen: list[str] = []
    plain = register.judged

    def counted(*arguments: Any, **rest: Any) -> Any:
        seen.append(str(rest["sweep"]["trial"]))
        return plain(*arguments, **rest)

    monkeypatch.setattr(handler, "judged", counted)
    return seen


def test_the_best_trial_on_validation_becomes_the_version_and_only_it_sees_the_test_photos(
    training_context: WorkerContext, looks: list[str]
) -> None:
    context = training_context
    job = add_sweep(context)
    run_sweep(context, job.id, PlannedStop())
    done = job_now(context, job)
    assert done.state is JobState.SUCCEEDED, done.error_message
    trials = trials_of(context, job)
    assert [trial.parameters["learning_rate"] for trial in trials] == RATES
    assert {trial.state for trial in trials} == {TrialState.SUCCEEDED}
    best = max(trials, key=lambda t: (t.metrics["val_accuracy"], -t.metrics["val_loss"]))
    version = version_of(context, job)
    assert looks == [str(best.number)]
    assert [trial.number for trial in trials if trial.version == version.number] == [best.number]
    assert version.lineage["parameters"]["learning_rate"] == best.parameters["learning_rate"]
    assert "best of 3 trials" in model_card(version)
    assert [epoch for epoch, _ in epochs_of(context, job)] == [1, 2]


def test_a_trial_is_the_training_it_names(training_context: WorkerContext) -> None:
    context = training_context
    job = add_sweep(context, over={"seed": [5]})
    run_sweep(context, job.id, PlannedStop())
    alone = add_training(context, seed=5)
    run_training(context, alone.id, PlannedStop())
    assert version_of(context, job).head_digest == version_of(context, alone).head_digest


def test_every_trial_becomes_a_version_where_that_was_asked_for(training_context: WorkerContext) -> None:
    context = training_context
    job = add_sweep(context, register_all=True)
    run_sweep(context, job.id, PlannedStop())
    versions = versions_of(context)
    assert len(versions) == 3
    assert [version.job_id for version in versions].count(job.id) == 1
    assert sum(version.lineage["sweep"]["best"] for version in versions) == 1


def test_successive_halving_trains_fewer_for_longer(training_context: WorkerContext) -> None:
    context = training_context
    plan: dict[str, Any] = {"strategy": "halving", "first_epochs": 1, "factor": 2, "samples": 4}
    job = add_sweep(context, over={"seed": [1, 2, 3, 4]}, **plan)
    run_sweep(context, job.id, PlannedStop())
    trials = trials_of(context, job)
    figures = sorted((trial.state, trial.metrics["rung"], trial.metrics["epochs"]) for trial in trials)
    assert figures == [("dropped", 0, 1)] * 2 + [("succeeded", 1, 2)] * 2


def stop_after(monkeypatch: pytest.MonkeyPatch, trainings: int, act: Any) -> None:
    """Do something once so many trials have been written down."""
    plain, count = sweeps.record, iter(range(1, 1000))

    def record(*arguments: Any) -> None:
        plain(*arguments)
        if next(count) == trainings:
            act()

    monkeypatch.setattr(sweeps, "record", record)


def test_a_sweep_that_was_given_back_skips_what_is_finished(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, stop = training_context, PlannedStop()
    job = add_sweep(context)
    stop_after(monkeypatch, 2, stop.request)
    run_sweep(context, job.id, stop)
    before = trials_of(context, job)
    assert job_now(context, job).state is JobState.QUEUED
    assert [trial.state for trial in before] == ["succeeded", "succeeded", "waiting"]
    run_sweep(context, job.id, PlannedStop())
    after = trials_of(context, job)
    assert job_now(context, job).state is JobState.SUCCEEDED
    assert [trial.metrics for trial in after[:2]] == [trial.metrics for trial in before[:2]]


def test_a_sweep_goes_on_in_a_fresh_process_before_tensorflow_has_eaten_its_memory(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = training_context
    monkeypatch.setattr(handler, "TRAININGS_PER_PROCESS", 2)
    job = add_sweep(context)
    run_sweep(context, job.id, PlannedStop())
    given_back = job_now(context, job)
    assert (given_back.state, given_back.attempt) == (JobState.QUEUED, 0)
    run_sweep(context, job.id, PlannedStop())
    assert job_now(context, job).state is JobState.SUCCEEDED


def test_all_trials_become_versions_though_no_process_may_train_them_all(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch, looks: list[str]
) -> None:
    context = training_context
    monkeypatch.setattr(handler, "TRAININGS_PER_PROCESS", 2)
    job = add_sweep(context, over={"seed": [1, 2, 3, 4, 5]}, register_all=True)
    processes = 0
    while job_now(context, job).state is JobState.QUEUED and processes < 10:
        run_sweep(context, job.id, PlannedStop())
        processes += 1
    done = job_now(context, job)
    assert done.state is JobState.SUCCEEDED, done.error_message
    trials = {trial.version: trial for trial in trials_of(context, job)}
    versions = versions_of(context)
    assert len(versions) == len(trials) == 5
    assert sorted(looks) == ["1", "2", "3", "4", "5"]  # each was judged once
    best = next(version for version in versions if version.job_id == job.id)
    assert best.lineage["sweep"]["best"]
    assert done.result is not None
    assert (done.result["model_version"], done.result["trial"]) == (best.number, trials[best.number].number)
    assert [epoch for epoch, _ in epochs_of(context, job)] == [1, 2]


def test_a_cancelled_sweep_keeps_its_finished_trials(
    training_context: WorkerContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = training_context
    job = add_sweep(context)

    plain = handler._Sweep._try

    def try_then_cancel(sweep: Any, *rest: Any) -> None:
        plain(sweep, *rest)
        with context.database.write() as session:
            store.request_cancel(session, job.id)

    monkeypatch.setattr(handler._Sweep, "_try", try_then_cancel)
    run_sweep(context, job.id, PlannedStop())
    ended = job_now(context, job)
    assert ended.state is JobState.CANCELLED
    states = [sweeps.state_of(trial, ended) for trial in trials_of(context, job)]
    assert states == ["succeeded", "skipped", "skipped"]
    assert versions_of(context) == []


def test_a_sweep_that_takes_the_place_of_another_has_trials_of_its_own(
    training_context: WorkerContext,
) -> None:
    context = training_context
    first = add_sweep(context)
    with context.database.write() as session:
        store.request_cancel(session, first.id)
    with context.database.write() as session:
        again = store.retry(session, first.id)
    run_sweep(context, again.id, PlannedStop())
    assert job_now(context, again).state is JobState.SUCCEEDED
    assert len(trials_of(context, again)) == 3
