"""The table of allowed moves."""

from itertools import product

import pytest

from shared.jobs.states import ACTIVE, TERMINAL, JobState, may_move


def test_every_state_is_either_active_or_terminal() -> None:
    assert set(JobState) == ACTIVE | TERMINAL
    assert not ACTIVE & TERMINAL


@pytest.mark.parametrize(("before", "after"), list(product(JobState, JobState)))
def test_only_the_moves_of_the_design_are_allowed(before: JobState, after: JobState) -> None:
    allowed = {
        "queued": {"running", "cancelled"},
        "running": {"queued", "succeeded", "failed", "cancelled", "quarantined"},
    }
    assert may_move(before, after) == (after.value in allowed.get(before.value, set()))
