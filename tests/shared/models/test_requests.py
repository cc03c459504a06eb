"""Jobs about versions: asked for twice at the same moment, they are made once."""

from __future__ import annotations

from shared.blobs import BlobStore
from shared.database import Database
from shared.jobs.states import Split
from shared.models import diagnostic, rescoring
from shared.tables import DatasetVersion
from tests.factories import CLASSES, add_user, add_version
from tests.overlapping import both, overlapping


def test_the_untouched_network_is_brought_in_once(database: Database) -> None:
    owner = add_user(database).id
    one, other = both(database, lambda session: diagnostic.request(session, owner).id)
    assert one == other


def test_two_versions_are_compared_once_whichever_is_named_first(
    database: Database, blobs: BlobStore
) -> None:
    owner = add_user(database).id
    a, b = (add_version(database, blobs, seed=seed).number for seed in range(2))
    with database.write() as session:
        counts = {split.value: dict.fromkeys(CLASSES, 1) for split in Split}
        session.add(DatasetVersion(digest="1" * 64, classes=CLASSES, counts=counts))

    def second() -> str:
        with database.write() as session:
            return rescoring.request(session, b, a, owner).id

    one, other = overlapping(database, lambda session: rescoring.request(session, a, b, owner).id, second)
    assert one == other
