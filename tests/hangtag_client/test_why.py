"""Why a photo was answered so, from Python: on a server of its own, since the others have no version."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangtag_client import ApiError, Client
from shared.blobs import BlobStore
from tests.factories import add_answered_job, add_champion, add_job, add_key, add_photo
from tests.web_server import serve


def test_where_an_answer_came_from_can_be_asked(short_tmp: Path, redis_url: str) -> None:
    with serve(short_tmp / "why", redis_url) as server:
        blobs = BlobStore(server.settings.blob_url)
        photo = add_photo(server.database, blobs, server.seller)
        job = add_answered_job(server.database, photo, add_champion(server.database, blobs), hat=0.9)
        waiting = add_job(server.database, owner_id=server.seller.id, photo_id=photo.id)
        with Client(server.url, add_key(server.database, server.seller, "read")) as hangtag:
            found = hangtag.why(job.id)
            with pytest.raises(ApiError, match="Nothing is kept about why"):
                hangtag.why(waiting.id)
    assert (found.category, found.where) == ("hat", "mostly in the upper middle")
    assert found.map.values == [[0, 255, 0], [0, 51, 0], [0, 0, 0]]
