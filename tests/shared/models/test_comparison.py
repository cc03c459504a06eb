"""Two versions on the same photos, and the gate before the champion's place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import reports
from shared.datasets import store as datasets
from shared.datasets.findings import Finding, Level
from shared.datasets.store import Line
from shared.errors import ConflictError, NotFoundError, PromotionRefusedError
from shared.jobs.states import Split
from shared.models import aliases, evaluated, gate, registry
from shared.models.comparison import compare, exact_mcnemar
from shared.models.evaluation import wilson_interval
from shared.tables import Example
from tests.factories import CLASSES, EVALUATION, add_champion, add_version

PHOTOS = 120


@pytest.fixture
def dataset(database: Database) -> list[tuple[str, str]]:
    """A dataset version; its test photos as (digest, true category)."""
    with database.write() as session:
        for number, split in enumerate([Split.TRAIN, Split.VALIDATION] * 3 + [Split.TEST] * PHOTOS):
            label = CLASSES[number % len(CLASSES)]
            session.add(Example(digest=f"{number:064}", label=label, split=split, source="test"))
        version = datasets.freeze(session)
        return [(line.digest, line.label) for line in datasets.lines(session, version.number, Split.TEST)]


def answer(database: Database, version: int, photos: list[tuple[str, str]], wrong: set[int]) -> None:
    """Let a version have answered all photos rightly but those in `wrong`."""
    probabilities = np.full((len(photos), len(CLASSES)), 0.1)
    for place, (_, truth) in enumerate(photos):
        right = CLASSES.index(truth)
        probabilities[place, (right + 1) % len(CLASSES) if place in wrong else right] = 0.8
    with database.write() as session:
        lines = [Line(digest, truth, Split.TEST) for digest, truth in photos]
        evaluated.record(session, version, evaluated.Answers(1, lines, probabilities), CLASSES)


def judged(database: Database, number: int) -> dict[str, bool]:
    with database.read() as session:
        verdict = gate.judge(session, registry.find(session, number), registry.champion(session))
    return {check.name: check.passed for check in verdict.checks}


def figures(**changes: Any) -> dict[str, Any]:
    return {"validation": EVALUATION, "test": {**EVALUATION, **changes}}


@pytest.mark.parametrize(
    ("fixed", "broken", "expected"),
    # By hand: twice the tail of a fair coin, at most 1.
    [(0, 0, 1.0), (3, 3, 1.0), (0, 5, 2 / 32), (1, 5, 2 * 7 / 64), (0, 2000, 0.0)],
)
def test_the_exact_test_counts_fair_coins(fixed: int, broken: int, expected: float) -> None:
    assert exact_mcnemar(fixed, broken) == pytest.approx(expected)
    assert exact_mcnemar(broken, fixed) == exact_mcnemar(fixed, broken)


def test_photos_are_paired_by_what_both_versions_answered(
    database: Database, blobs: BlobStore, dataset: list[tuple[str, str]]
) -> None:
    first, second = add_version(database, blobs).number, add_version(database, blobs, seed=1).number
    answer(database, first, dataset, wrong={0, 1, 2, 3})
    answer(database, second, dataset, wrong={3, 4})
    with database.read() as session:
        found = compare(session, first, second)
    assert found is not None
    outcome = found.outcome
    counts = (outcome.count, outcome.both_right, outcome.fixed, outcome.broken, outcome.both_wrong)
    assert counts == (PHOTOS, PHOTOS - 5, 3, 1, 1)
    assert [pair.digest for pair in found.broken] == [dataset[4][0]]
    assert sum(one.count for one in found.per_class.values()) == PHOTOS


def test_versions_without_common_photos_are_not_paired(database: Database, blobs: BlobStore) -> None:
    first, second = add_version(database, blobs).number, add_version(database, blobs, seed=1).number
    with database.read() as session:
        assert compare(session, first, second) is None


@pytest.mark.parametrize(("broken", "passes"), [(5, True), (6, False)])
def test_on_the_same_photos_a_loss_beyond_chance_is_refused(
    database: Database, blobs: BlobStore, dataset: list[tuple[str, str]], broken: int, passes: bool
) -> None:
    champion = add_champion(database, blobs).number
    challenger = add_version(database, blobs, seed=1).number
    answer(database, champion, dataset, wrong=set())
    answer(database, challenger, dataset, wrong=set(range(broken)))  # p = 0.0625 for 5, 0.03125 for 6
    assert judged(database, challenger)["not_worse"] is passes


def test_without_common_photos_intervals_decide(database: Database, blobs: BlobStore) -> None:
    add_champion(database, blobs)
    close = {"accuracy": 90 / 120, "interval": wilson_interval(90, 120)}
    far = {"accuracy": 70 / 120, "interval": wilson_interval(70, 120)}
    assert judged(database, add_version(database, blobs, metrics=figures(**close)).number)["not_worse"]
    assert not judged(database, add_version(database, blobs, metrics=figures(**far)).number)["not_worse"]


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"count": 99}, "enough_photos"),
        ({"expected_calibration_error": 0.11}, "calibration"),
        ({"per_class": [{**EVALUATION["per_class"][0], "recall": 0.49}]}, "class_recall"),
    ],
)
def test_a_limit_that_is_broken_is_named(
    database: Database, blobs: BlobStore, changes: dict[str, Any], failed: str
) -> None:
    number = add_version(database, blobs, metrics=figures(**changes)).number
    assert [name for name, passed in judged(database, number).items() if not passed] == [failed]


def test_a_version_too_slow_for_a_waiting_seller_is_refused(database: Database, blobs: BlobStore) -> None:
    slow = {**figures(), "speed": {"photos_per_second": 0.4}}
    assert not judged(database, add_version(database, blobs, metrics=slow).number)["speed"]


@pytest.mark.parametrize(
    ("level", "space", "passes", "said"),
    [
        ("blocks", "space", False, "Dataset version 1: Twins."),
        ("warns", "space", True, "Dataset version 1: Twins."),
        (None, "space", True, "No test photo looks nearly the same"),
        (None, None, True, "have not been compared"),
    ],
)
def test_a_version_whose_test_knew_its_training_photos_is_refused(
    database: Database,
    blobs: BlobStore,
    dataset: list[tuple[str, str]],
    level: Level | None,
    space: str | None,
    passes: bool,
    said: str,
) -> None:
    with database.write() as session:
        digest = datasets.find(session, 1).digest
        found = [Finding(name="leaked", level=level, detail="Twins.")] if level else []
        reports.record(session, 1, found, space)
    number = add_version(database, blobs, metrics=figures(), lineage={"dataset_digest": digest}).number
    with database.read() as session:
        check = gate.unseen_test(session, registry.find(session, number))
    assert (check.passed, said in check.detail) == (passes, True)
    assert judged(database, number)["unseen_test"] is passes


def test_of_a_version_trained_elsewhere_the_gate_says_what_it_cannot_know(
    database: Database, blobs: BlobStore
) -> None:
    number = add_version(database, blobs, metrics=figures()).number
    with database.read() as session:
        check = gate.unseen_test(session, registry.find(session, number))
    assert check.passed
    assert "elsewhere" in check.detail


def test_a_refused_version_becomes_champion_only_by_an_override_that_is_remembered(
    database: Database, blobs: BlobStore
) -> None:
    champion = add_champion(database, blobs).number
    number = add_version(database, blobs, metrics=figures(count=50)).number
    with pytest.raises(PromotionRefusedError, match="too little to tell"), database.write() as session:
        aliases.promote(session, number, "Ada", "Newer.")
    with database.write() as session:
        aliases.promote(session, number, "Ada", "A trial for an hour.", override=True)
    with database.read() as session:
        change = registry.history(session)[0]
    assert (change.before, change.after, change.reason) == (champion, number, "A trial for an hour.")
    assert change.gate is not None
    assert change.gate["overridden"]
    assert [check["name"] for check in change.gate["checks"] if not check["passed"]] == ["enough_photos"]


def test_the_way_back_is_open_even_to_a_version_the_gate_would_refuse(
    database: Database, blobs: BlobStore
) -> None:
    worse = add_champion(database, blobs, metrics=figures(count=10)).number
    better = add_version(database, blobs, seed=1).number
    with database.write() as session:
        aliases.promote(session, better, "Ada", "Better.")
        assert aliases.rollback(session, "Ada", "Sellers complain.").after == worse
        assert registry.require_champion(session).number == worse


def test_a_second_way_back_leads_further_back_and_never_to_what_was_left(
    database: Database, blobs: BlobStore
) -> None:
    first = add_champion(database, blobs).number
    second, third = (add_version(database, blobs, seed=seed).number for seed in (1, 2))
    with database.write() as session:
        for number in (second, third):
            aliases.promote(session, number, "Ada", "Better.", override=True)
        assert aliases.rollback(session, "Ada", "Worse.").after == second
        assert aliases.rollback(session, "Ada", "That one, too.").after == first
        assert aliases.previous_champion(session) is None
        aliases.promote(session, third, "Ada", "It was the light.", override=True)
        assert aliases.previous_champion(session) == first
        for number in (first, second):
            aliases.promote(session, number, "Ada", "In turns.", override=True)
        assert aliases.rollback(session, "Ada", "Worse.").after == first
        assert aliases.previous_champion(session) == third


def test_without_a_champion_before_there_is_no_way_back(database: Database, blobs: BlobStore) -> None:
    add_champion(database, blobs)
    with pytest.raises(NotFoundError), database.write() as session:
        aliases.rollback(session, "Ada", "Back.")


def test_other_names_come_and_go_without_the_gate(database: Database, blobs: BlobStore) -> None:
    add_champion(database, blobs)
    number = add_version(database, blobs, metrics={}).number
    with database.write() as session:
        aliases.point(session, "shadow", number, "Ada", "To watch it.")
        aliases.point(session, "shadow-2", number, "Ada", "To watch it.")
        aliases.remove(session, "shadow", "Ada", "Seen enough.")
    with database.read() as session:
        assert registry.aliases(session) == {"champion": 1, "shadow-2": 2}
        assert [change.after for change in registry.history(session, "shadow")] == [None, 2]


def test_the_champions_name_cannot_be_taken_away(database: Database, blobs: BlobStore) -> None:
    add_champion(database, blobs)
    with pytest.raises(ConflictError), database.write() as session:
        aliases.remove(session, "champion", "Ada", "Why not.")


@pytest.mark.parametrize(("made_from_this", "expected"), [(True, [1]), (False, [1, 2])])
def test_a_version_trained_elsewhere_may_know_the_photos_and_the_gate_says_so(
    database: Database,
    blobs: BlobStore,
    dataset: list[tuple[str, str]],
    made_from_this: bool,
    expected: list[int],
) -> None:
    add_champion(database, blobs)
    with database.read() as session:
        own = datasets.find(session, 1).digest
    add_version(database, blobs, seed=1, lineage={"dataset_digest": own if made_from_this else "9" * 64})
    for number in (1, 2):
        answer(database, number, dataset, set())
    with database.read() as session:
        found = compare(session, 1, 2)
        verdict = gate.judge(session, registry.find(session, 2), registry.find(session, 1))
    assert found is not None
    assert found.trained_elsewhere == expected
    (check,) = [check for check in verdict.checks if check.name == "not_worse"]
    assert check.detail.endswith("Version 1 was trained elsewhere and may have learned from some of them.")
