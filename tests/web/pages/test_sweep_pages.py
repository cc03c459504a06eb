"""The sweep form, the list of sweeps and the ranked table."""

from __future__ import annotations

import dataclasses

import pytest
from flask.testing import FlaskClient

from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs import store
from shared.jobs.states import JobKind, Split, TrialState
from shared.settings import Settings
from shared.sweeps import store as sweeps
from shared.sweeps.store import TrialMetrics
from shared.tables import Example, Job, User
from tests.factories import add_job
from tests.web.conftest import MakeApp, sign_in
from tests.web.pages.forms import post_form

FORM = "/trainings/sweeps/new"
OWN = {"base": "quick", "strategy": "grid", "name-0": "learning_rate", "values-0": "0.001, 0.01"}


@pytest.fixture(autouse=True)
def dataset(database: Database) -> None:
    """A dataset version that can be trained on."""
    with database.write() as session:
        for place, (split, label) in enumerate((s, c) for s in Split for c in ("hat", "shirt")):
            session.add(Example(digest=f"{place:064}", label=label, split=split, source="test"))
        datasets.freeze(session)


def only_sweep(database: Database) -> Job:
    with database.read() as session:
        (job,) = store.page(session, kind=JobKind.SWEEP).items
    return job


def test_a_published_sweep_starts_at_a_click(admin_signed_in: FlaskClient, database: Database) -> None:
    answer = post_form(admin_signed_in, FORM, {"published": "rates"}, page=FORM)
    job = only_sweep(database)
    assert answer.location == f"/trainings/sweeps/{job.id}"
    assert [trial["learning_rate"] for trial in job.payload["trials"]] == [0.0001, 0.001, 0.01, 0.1]


def test_a_plan_of_ones_own_is_read_from_texts(admin_signed_in: FlaskClient, database: Database) -> None:
    second = {"name-1": "hidden_units", "values-1": "10, 100"}
    post_form(admin_signed_in, FORM, {**OWN, **second}, page=FORM)
    trials = only_sweep(database).payload["trials"]
    assert {(trial["learning_rate"], trial["hidden_units"]) for trial in trials} == {
        (0.001, 10),
        (0.001, 100),
        (0.01, 10),
        (0.01, 100),
    }


def test_a_range_is_drawn_from(admin_signed_in: FlaskClient, database: Database) -> None:
    drawn = {**OWN, "strategy": "random", "samples": "5", "values-0": "0.0001 to 0.1 log"}
    post_form(admin_signed_in, FORM, drawn, page=FORM)
    rates = [trial["learning_rate"] for trial in only_sweep(database).payload["trials"]]
    assert len(set(rates)) == 5
    assert all(0.0001 <= rate <= 0.1 for rate in rates)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"values-0": "fast"}, "Learning rate"),
        ({"values-0": ""}, "Name values of learning_rate"),
        ({"strategy": "magic"}, "strategy"),
        ({"samples": "0"}, "samples"),
        ({"name-0": ""}, "at least one"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_starts(
    admin_signed_in: FlaskClient, database: Database, change: dict[str, str], named: str
) -> None:
    answer = post_form(admin_signed_in, FORM, {**OWN, **change}, page=FORM)
    assert answer.status_code == 422
    assert named in answer.text
    with database.read() as session:
        assert store.page(session, kind=JobKind.SWEEP).items == []


def test_trials_are_ranked_and_the_share_of_luck_is_told(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    post_form(admin_signed_in, FORM, OWN, page=FORM)
    job = only_sweep(database)
    with database.write() as session:
        for number, accuracy in ((1, 0.7), (2, 0.9)):
            metrics = TrialMetrics(
                val_accuracy=accuracy,
                val_loss=1.0,
                interval=(accuracy - 0.1, accuracy + 0.1),
                best_epoch=2,
                epochs=3,
                stop_reason="budget",
                seconds=1.0,
                curve=[0.5, accuracy, accuracy],
            )
            sweeps.record(session, job.id, number, TrialState.SUCCEEDED, metrics)
    page = admin_signed_in.get(f"/trainings/sweeps/{job.id}").text
    assert page.index("90.0 %") < page.index("70.0 %")
    assert "The winner looks better than it is" in page
    assert page.count("<polyline") == 2
    assert "2 of 2" in admin_signed_in.get("/trainings/sweeps").text


def test_a_sweeps_job_leads_to_its_page(admin_signed_in: FlaskClient, database: Database) -> None:
    post_form(admin_signed_in, FORM, OWN, page=FORM)
    job = only_sweep(database)
    assert admin_signed_in.get(f"/jobs/{job.id}").location == f"/trainings/sweeps/{job.id}"


def test_a_sweep_beyond_the_quota_is_refused(
    make_app: MakeApp, settings: Settings, database: Database, admin: User
) -> None:
    client = sign_in(
        make_app(dataclasses.replace(settings, quota_trainings=1)).test_client(), database, admin
    )
    answers = [post_form(client, FORM, {"published": "rates"}, page=FORM) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 409]
    assert only_sweep(database)


def test_a_sweep_that_names_no_trials_spoils_the_list_for_no_other(
    admin_signed_in: FlaskClient, database: Database
) -> None:
    add_job(database, JobKind.SWEEP)
    post_form(admin_signed_in, FORM, OWN, page=FORM)
    page = admin_signed_in.get("/trainings/sweeps").text
    assert "0 of 0" in page
    assert "0 of 2" in page
