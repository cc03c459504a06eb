"""Dataset versions: made once of the same examples."""

from __future__ import annotations

from shared.database import Database
from shared.datasets import store
from shared.jobs.states import Split
from shared.tables import Example
from tests.overlapping import both


def test_two_who_make_a_version_of_the_same_examples_at_the_same_moment_get_the_same_one(
    database: Database,
) -> None:
    with database.write() as session:
        for number, (split, label) in enumerate((s, c) for s in Split for c in ("hat", "shirt")):
            session.add(Example(digest=f"{number:064x}", label=label, split=split, source="test"))
    one, other = both(database, lambda session: store.freeze(session).number)
    assert one == other
    with database.read() as session:
        assert len(store.lines(session, one, Split.TRAIN)) == 2
        assert [version.number for version in store.versions(session)] == [one]
