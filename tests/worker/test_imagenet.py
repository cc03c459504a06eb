"""The untouched ImageNet network: brought in as a version, tried on a photo, never anybody's champion."""

from __future__ import annotations

import dataclasses
import inspect
import socket
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.applications import imagenet_utils, xception

from shared.blobs import photo_key
from shared.jobs.states import JobKind, JobState
from shared.models import aliases, diagnostic, registry
from shared.photos.pixels import read_pixels
from shared.tables import Job, ModelVersion
from tests.factories import add_champion, add_job, add_photo, add_user
from tests.random_weights import SEED
from tests.worker.imagenet_files import SIDE, write_imagenet_files, write_labels
from tests.worker.training_system import job_now
from worker.context import WorkerContext
from worker.imagenet import run_imagenet
from worker.network import imagenet_top
from worker.network.imagenet_top import LABELS, WEIGHTS, Published
from worker.stopping import PlannedStop
from worker.try_out import run_try

# Keras 3.15 saves through numpy's older conversion protocol, about which numpy 2.4 complains.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src.backend"
    ),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file:UserWarning"),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, keras.Model]:
    """A folder with both files, and the whole network they hold."""
    folder = tmp_path_factory.mktemp("imagenet")
    return folder, write_imagenet_files(folder)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is special about these jobs is the network, not what they write."""
    return sqlite_url


@pytest.fixture
def context(training_context: WorkerContext) -> Iterator[WorkerContext]:
    """A training worker that reaches no download."""
    with pytest.MonkeyPatch.context() as patched, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen: nobody else can take the port meanwhile
        port = deaf.getsockname()[1]
        patched.setattr(imagenet_top, "WEIGHTS", Published(f"http://127.0.0.1:{port}/{WEIGHTS.name}", "0"))
        yield training_context


def bring_in(context: WorkerContext, folder: Path | None) -> Job:
    """Have a worker whose setting names this folder bring the network in."""
    settings = dataclasses.replace(context.settings, imagenet_dir=folder)
    job = add_job(context.database, JobKind.IMAGENET, payload={"image_size": SIDE})
    run_imagenet(dataclasses.replace(context, settings=settings), job.id, PlannedStop())
    return job_now(context, job)


def diagnostic_version(context: WorkerContext) -> ModelVersion | None:
    with context.database.read() as session:
        return diagnostic.version(session)


def test_it_answers_as_the_whole_network_does_and_is_never_promoted(
    context: WorkerContext, published: tuple[Path, keras.Model]
) -> None:
    folder, network = published
    champion = add_champion(context.database, context.blobs, base_digest=context.settings.base_weights_digest)
    job = bring_in(context, folder)
    assert job.state is JobState.SUCCEEDED, job.error_message
    version = diagnostic_version(context)
    assert version is not None
    assert version.classes[134] == "crane (n00000134)"
    assert set(version.lineage["files"]) == {WEIGHTS.name, LABELS.name}
    assert bring_in(context, folder).result == job.result == {"model_version": version.number}

    person = add_user(context.database, "Rita", "reviewer")
    photo = add_photo(context.database, context.blobs, person, seed=3)
    tried = add_job(
        context.database,
        JobKind.TRY,
        owner_id=person.id,
        photo_id=photo.id,
        payload={"versions": [version.number, champion.number]},
    )
    run_try(context, tried.id, PlannedStop())
    result = job_now(context, tried).result
    assert result is not None
    mine, theirs = result["answers"]
    pixels = read_pixels(context.blobs.get(photo_key(photo.digest)), SIDE)
    (expected,) = network.predict(
        keras.applications.xception.preprocess_input(pixels[np.newaxis].astype("f4"))
    )
    assert mine["category"] == version.classes[int(expected.argmax())]
    assert mine["confidence"] == pytest.approx(float(expected.max()), abs=1e-4)
    assert theirs["category"] in champion.classes

    with context.database.write() as session:
        with pytest.raises(registry.DiagnosticVersionError):
            aliases.promote(session, version.number, "Ada", "For fun.", override=True)
        with pytest.raises(registry.DiagnosticVersionError):
            aliases.point(session, "shadow", version.number, "Ada", "For fun.")
        assert registry.require_champion(session).number == champion.number


def test_without_a_download_it_says_how_to_supply_the_files(context: WorkerContext) -> None:
    job = bring_in(context, None)
    assert job.state is JobState.FAILED
    assert job.error_code == "imagenet_unavailable"
    assert "Keras' download failed: no connection" in (job.error_message or "")
    assert "name it in HANGTAG_IMAGENET_DIR" in (job.error_message or "")


def test_files_that_are_not_what_they_should_be_are_refused(
    context: WorkerContext, published: tuple[Path, keras.Model], tmp_path: Path
) -> None:
    folder = tmp_path / "supplied"
    folder.mkdir()
    assert f"There is no {WEIGHTS.name}" in (bring_in(context, folder).error_message or "")
    (folder / WEIGHTS.name).write_bytes(b"no network")
    write_labels(folder)
    assert "not a readable HDF5 file" in (bring_in(context, folder).error_message or "")
    write_imagenet_files(folder, seed=SEED + 1)
    assert "below its top" in (bring_in(context, folder).error_message or "")
    (folder / WEIGHTS.name).unlink()
    (folder / WEIGHTS.name).symlink_to(published[0] / WEIGHTS.name)
    (folder / LABELS.name).write_text('{"0": ["n01440764", "tench"]}')
    assert "not the list of 1000 labels" in (bring_in(context, folder).error_message or "")
    assert diagnostic_version(context) is None


def test_addresses_and_hashes_are_those_that_keras_uses() -> None:
    assert WEIGHTS.address == xception.WEIGHTS_PATH
    assert WEIGHTS.md5 in inspect.getsource(xception)
    assert LABELS.address == imagenet_utils.CLASS_INDEX_PATH
    assert LABELS.md5 in inspect.getsource(imagenet_utils)
