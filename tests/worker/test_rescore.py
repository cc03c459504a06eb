"""Two versions with networks of their own, compared on the same test photos."""

from __future__ import annotations

import pytest

from shared.jobs.states import JobState
from shared.models import gate, registry, rescoring
from shared.models.comparison import compare
from tests.factories import add_champion, add_user, add_version
from tests.worker.training_system import job_now
from worker.context import WorkerContext
from worker.rescore import run_rescoring
from worker.stopping import PlannedStop


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What the job writes was tried on both databases by the tests of the comparison."""
    return sqlite_url


def test_versions_of_two_image_sizes_are_compared_photo_by_photo(training_context: WorkerContext) -> None:
    context = training_context
    base = context.settings.base_weights_digest
    first = add_champion(context.database, context.blobs, base_digest=base)
    second = add_version(context.database, context.blobs, base_digest=base, image_size=80, seed=1)
    person = add_user(context.database, "Ada", "admin")
    with context.database.write() as session:
        assert compare(session, first.number, second.number) is None
        job = rescoring.request(session, first.number, second.number, person.id)
        again = rescoring.request(session, second.number, first.number, person.id)
        assert again.id == job.id  # one is on its way
    run_rescoring(context, job.id, PlannedStop())
    done = job_now(context, job)
    assert done.state is JobState.SUCCEEDED, done.error_message
    assert done.result is not None
    with context.database.read() as session:
        found = compare(session, first.number, second.number)
        verdict = gate.judge(session, second, registry.champion(session))
    assert found is not None
    assert found.outcome.count == 8  # every test photo of the dataset
    assert done.result["fixed"] == found.outcome.fixed
    assert "On the same 8 photos" in next(
        check.detail for check in verdict.checks if check.name == "not_worse"
    )
