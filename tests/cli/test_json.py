"""`--json` prints what the API answers, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cli.local import api_key
from hangtag_client import Queue
from shared.blobs import BlobStore
from shared.database import Database
from shared.datasets import store as datasets
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.settings import Settings
from shared.tables import Example
from tests.cli.conftest import Command
from tests.factories import CLASSES, add_champion, add_failures, picture


@pytest.fixture
def api(server: str, started: Settings) -> Iterator[httpx.Client]:
    """The API, asked with the key of this machine."""
    headers = {"Authorization": f"Bearer {api_key(started)}"}
    with httpx.Client(base_url=f"{server}/api/v1", headers=headers, timeout=60) as http:
        yield http


@pytest.fixture
def filled(api: httpx.Client, database: Database, blobs: BlobStore) -> dict[str, str]:
    """Something of each kind. Returns the ids by what they stand for."""
    add_champion(database, blobs)
    with database.write() as session:
        for place, (split, label) in enumerate((split, label) for split in Split for label in CLASSES):
            session.add(Example(digest=f"{place:064}", label=label, split=split, source="test"))
        datasets.freeze(session)
        training = store.create(session, JobKind.TRAIN)
    batch = api.post("/batches", files={"photo": ("a.jpg", picture(1))}).json()["batch"]
    sweep = api.post("/sweeps", json={"preset": "rates"}).json()["job"]
    (failed,) = add_failures(database)
    return {"batch": batch["id"], "sweep": sweep["id"], "failed": failed.id, "job": training.id}


# The command, the path it stands for, and the member of the answer it prints (None: all of it).
PRINTED = (
    (("jobs", "--limit", "100"), "/jobs?limit=100", "jobs"),
    (("jobs", "show", "{failed}"), "/jobs/{failed}", None),
    (("jobs", "show", "{job}"), "/jobs/{job}", None),
    (("jobs", "failures"), "/jobs/failures", "failures"),
    (("batches",), "/batches", "batches"),
    (("batches", "show", "{batch}"), "/batches/{batch}", None),
    (("models",), "/models", "versions"),
    (("models", "show", "1"), "/models/1", None),
    (("dataset", "list"), "/datasets", "versions"),
    (("dataset", "show", "1"), "/datasets/versions/1", None),
    (("sweep", "--show", "{sweep}"), "/sweeps/{sweep}", None),
    (("user", "list"), "/users", "users"),
    (("audit", "list"), "/audit-events", "events"),
)


def test_each_command_prints_what_the_api_answers(
    command: Command, api: httpx.Client, filled: dict[str, str]
) -> None:
    for words, path, member in PRINTED:
        answer = api.get(path.format(**filled)).raise_for_status().json()
        result = command(*(word.format(**filled) for word in words), "--json")
        assert (words, result.exit_code) == (words, 0)
        assert json.loads(result.stdout) == (answer if member is None else answer[member])


@pytest.mark.usefixtures("filled")
def test_queues_and_keys_have_the_fields_of_the_api(command: Command, api: httpx.Client) -> None:
    queues = json.loads(command("jobs", "queues", "--json").stdout)
    assert list(queues["queues"][0]) == list(api.get("/queues").json()["queues"][0])
    (key,) = json.loads(command("key", "list", "--json").stdout)
    (known,) = api.get("/keys").json()["keys"]
    assert {**key, "last_used_at": known["last_used_at"]} == {**known, "owner": "admin"}


@pytest.mark.usefixtures("server")
def test_an_empty_list_is_a_list_for_programs_and_a_next_step_for_people(command: Command) -> None:
    for words, step in (
        (("jobs",), "hangtag classify"),
        (("batches",), "hangtag classify"),
        (("models",), "hangtag train"),
        (("dataset", "list"), "hangtag dataset import"),
    ):
        assert json.loads(command(*words, "--json").stdout) == []
        told: Any = command(*words)
        assert (told.stdout, step in told.stderr) == ("", True)


def test_what_a_newer_server_adds_is_printed_too() -> None:
    row = {"kind": "train", "queue": "train", "waiting": 0, "delayed": 0, "oldest_created_at": None}
    newer = {**row, "oldest_age_seconds": None, "running": 0, "workers": 1, "paused_by": "admin"}
    assert Queue.model_validate(newer).as_json() == newer
