"""A mistake of a version beside the training photos most like it: for those who judge versions."""

from __future__ import annotations

import numpy as np
import pytest
from flask.testing import FlaskClient

from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs.states import Split
from shared.models import evaluated, registry
from shared.tables import DeletedPhoto, Example
from tests.factories import CLASSES, add_version

RIGHT, WRONG = "a" * 64, "b" * 64
HAT, SHIRT, GONE, OTHER = "c" * 64, "d" * 64, "e" * 64, "f" * 64
LABELS = {RIGHT: "hat", WRONG: "shirt", HAT: "hat", SHIRT: "shirt", GONE: "hat", OTHER: "hat"}
SIDES = {
    **dict.fromkeys((RIGHT, WRONG), Split.TEST),
    **dict.fromkeys((HAT, SHIRT, GONE), Split.TRAIN),
    OTHER: Split.VALIDATION,
}


@pytest.fixture
def judged(database: Database, blobs: BlobStore) -> None:
    """A version that takes a shirt for a hat. Of the nearest training photos one was deleted since."""
    number = add_version(database, blobs).number
    with database.write() as session:
        for digest, side in SIDES.items():
            session.add(Example(digest=digest, label=LABELS[digest], split=side, source="test"))
        session.flush()
        dataset = datasets.freeze(session)
        version = registry.find(session, number)
        version.lineage = {**version.lineage, "dataset_digest": dataset.digest}
        lines = [datasets.Line(digest, LABELS[digest], Split.TEST) for digest in (RIGHT, WRONG)]
        probabilities = np.tile(np.eye(len(CLASSES))[CLASSES.index("hat")], (2, 1))
        nearest = {WRONG: [(SHIRT, 0.97), (GONE, 0.95), (HAT, 0.9012)]}
        evaluated.record(session, number, evaluated.Answers(1, lines, probabilities, nearest), CLASSES)
        session.delete(session.get_one(Example, GONE))
        session.add(DeletedPhoto(digest=GONE))


@pytest.mark.usefixtures("judged")
def test_a_mistake_is_shown_beside_the_training_photos_most_like_it(admin_signed_in: FlaskClient) -> None:
    mistakes = admin_signed_in.get("/versions/1/photos").text
    assert f'href="/versions/1/photos/{WRONG}"' in mistakes
    page = admin_signed_in.get(f"/versions/1/photos/{WRONG}").text
    assert "<h1>Shirt taken for Hat</h1>" in page
    assert page.index(f"/data/photos/{SHIRT}/thumbnail") < page.index(f"/data/photos/{HAT}/thumbnail")
    assert "Likeness 0.97" in page
    assert GONE not in page


@pytest.mark.usefixtures("judged")
def test_where_none_are_kept_the_page_says_why(admin_signed_in: FlaskClient, database: Database) -> None:
    assert "They are kept for mistakes only." in admin_signed_in.get(f"/versions/1/photos/{RIGHT}").text
    with database.write() as session:
        evaluated.find(session, 1, WRONG).nearest = None  # as before they were kept
    assert "None are kept for this photo" in admin_signed_in.get(f"/versions/1/photos/{WRONG}").text
    assert admin_signed_in.get(f"/versions/1/photos/{HAT}").status_code == 404


@pytest.mark.usefixtures("judged")
def test_sellers_see_none_of_it(signed_in: FlaskClient) -> None:
    assert signed_in.get(f"/versions/1/photos/{WRONG}").status_code == 403
