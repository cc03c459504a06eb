"""Disks without room: F10, F11; X8."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shared import accounts
from shared.tables import Job, Photo
from tests.factories import add_key, add_user
from tests.faults.conftest import MakeSystem
from tests.faults.disk import SmallDisk, small_disk
from tests.faults.system import System, as_json
from tests.processes import wait_until


@pytest.fixture
def disk(request: pytest.FixtureRequest, short_tmp: Path) -> Iterator[SmallDisk]:
    """A disk of a few mebibytes."""
    with small_disk(short_tmp / f"disk-{request.node.originalname[-20:]}", 4) as mounted:
        yield mounted


def rows(system: System) -> tuple[int, int]:
    """How many photos and jobs there are."""
    with system.database() as database, database.read() as session:
        photos = session.scalar(select(func.count()).select_from(Photo)) or 0
        return photos, session.scalar(select(func.count()).select_from(Job)) or 0


def test_without_room_for_pictures_uploads_are_refused_whole_and_reads_go_on(
    make_system: MakeSystem, disk: SmallDisk, seeds: Iterator[int]
) -> None:
    system = make_system(HANGTAG_BLOB_URL=(disk.folder / "blobs").as_uri())
    system.start("redis", "web")
    photo = as_json(system.upload(next(seeds)))["photo"]["id"]
    disk.fill()
    before, files = rows(system), sorted(disk.folder.rglob("*"))
    refused = next(seeds)
    answer = system.upload(refused, "f10")
    assert (answer.status_code, as_json(answer)["code"]) == (507, "storage_full")
    assert rows(system) == before
    assert [path for path in sorted(disk.folder.rglob("*")) if path.is_file() and path not in files] == []
    with system.api() as client:
        assert client.get(f"/api/v1/photos/{photo}").status_code == 200
        assert client.get("/readyz").status_code == 200
    disk.free()
    assert system.upload(refused, "f10").status_code == 202
    system.close()


def test_without_room_for_the_database_uploads_are_refused_reads_go_on_and_it_recovers(
    make_system: MakeSystem, disk: SmallDisk, seeds: Iterator[int]
) -> None:
    system = make_system(HANGTAG_DATABASE_URL=f"sqlite:///{disk.folder}/hangtag.db")
    with system.database() as database:
        unused = add_key(database, add_user(database, "Sam", "admin"), *accounts.SCOPES)
    system.start("redis", "web")
    accepted = system.accept(islice(seeds, 3))
    disk.fill()
    # SQLite goes on writing into room that its journal took before.
    answers = []
    wait_until(
        lambda: answers.append(system.upload(next(seeds))) or answers[-1].status_code != 202,  # type: ignore[func-returns-value]
        60,
        "an upload is refused",
    )
    assert (answers[-1].status_code, as_json(answers[-1])["code"]) in (
        (507, "storage_full"),
        (503, "database_unavailable"),
    )
    accepted += [str(as_json(answer)["job"]["id"]) for answer in answers[:-1]]
    system.key = unused  # its first use would be written down
    with system.api() as client:
        for job_id in accepted:
            assert client.get(f"/api/v1/jobs/{job_id}").status_code == 200
    assert len(system.jobs(accepted)) == len(accepted)
    disk.free()
    assert system.upload(next(seeds)).status_code == 202
    system.close()
