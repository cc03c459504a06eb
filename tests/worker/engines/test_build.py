"""Building: once, safely beside others, quietly, and never published when Keras disagrees."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shared.errors import CancelledError, ValidationError
from shared.models.feature_space import FeatureSpace
from shared.settings import EngineChoice, Settings
from tests.random_weights import random_arrays
from tests.worker.engines.conftest import SIDE, FirstUse, environment_of, make_settings
from worker.engines.build import build_engine, main
from worker.engines.build_process import EngineBuildError, build_in_child
from worker.engines.choose import load_engine
from worker.engines.drawn_photos import draw_photos
from worker.engines.openvino_engine import load_openvino_engine
from worker.engines.published import engine_folder
from worker.network.weight_arrays import digest_of, write_arrays


def test_building_and_serving_reach_no_network_and_serving_imports_no_tensorflow(first_use: FirstUse) -> None:
    assert first_use.output == "openvino []"
    assert first_use.network_events == ""
    assert "intel" not in first_use.left_in_home


def test_of_two_builders_one_repairs_a_damaged_engine_and_the_other_waits_for_it(
    copied: tuple[Settings, Path], space: FeatureSpace
) -> None:
    settings, folder = copied
    (folder / "model.bin").write_bytes(b"damaged")
    (folder.parent / f".building-{folder.name}-of-a-killed-builder").mkdir()
    command = [sys.executable, "-m", "worker.engines.build", "--image-size", str(SIDE)]
    builders = [
        subprocess.Popen(command, env=environment_of(settings), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    outputs = [builder.communicate(timeout=200)[0] for builder in builders]

    assert [builder.returncode for builder in builders] == [0, 0]
    assert sum("compared with Keras" in output for output in outputs) == 1
    assert all(f"ready: {folder}" in output for output in outputs)
    assert load_openvino_engine(settings, space).feature_space == space
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, f"{folder.name}.lock"}


def test_an_engine_that_fails_its_check_is_not_published_and_auto_falls_back_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # With nothing but zeros for weights all photos look the same, so agreement proves nothing.
    zeros = [np.zeros_like(array) for array in random_arrays()]
    write_arrays(tmp_path / "zeros.npz", zeros)
    refused = make_settings(tmp_path / "data", tmp_path / "zeros.npz", digest_of(zeros))
    settings = dataclasses.replace(refused, engine=EngineChoice.AUTO)
    space = FeatureSpace(settings.base_weights_digest, SIDE)

    with caplog.at_level(logging.WARNING):
        engine = load_engine(settings, space)

    assert engine.name == "keras"
    assert engine.reason.startswith("OpenVINO was refused, so Keras serves on the CPU.")
    assert "OpenVINO was refused" in caplog.text
    assert not engine_folder(settings, space).exists()


def test_photos_of_ones_own_are_compared_where_there_are_some(
    copied: tuple[Settings, Path], space: FeatureSpace, tmp_path: Path
) -> None:
    settings, _ = copied
    photos = tmp_path / "photos"
    photos.mkdir()

    assert build_engine(settings, space, photos) == engine_folder(settings, space)  # nothing left to compare
    (engine_folder(settings, space) / "parity.json").unlink()
    with pytest.raises(ValidationError, match="holds 0 JPEG photos"):
        build_engine(settings, space, photos)


def test_a_builder_that_cannot_start_is_quoted(settings: Settings, tmp_path: Path) -> None:
    broken = dataclasses.replace(settings, data_dir=tmp_path / "file")
    (tmp_path / "file").write_text("a file where a folder should be")

    with pytest.raises(EngineBuildError, match=r"could not be built \(exit status 1\).*FileExistsError"):
        build_in_child(broken, FeatureSpace(settings.base_weights_digest, SIDE), None)


def test_a_build_that_is_not_wanted_any_more_is_ended_and_publishes_nothing(settings: Settings) -> None:
    another = FeatureSpace(settings.base_weights_digest, SIDE + 1)

    def cancelled() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        load_engine(settings, another, check=cancelled)
    assert not engine_folder(settings, another).exists()


def test_a_picture_too_small_for_xception_is_refused_by_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--image-size", "70"])

    assert "must be at least 71" in capsys.readouterr().err


def test_drawn_pictures_are_the_same_every_time_and_differ_from_each_other() -> None:
    pictures = draw_photos(SIDE, 12)

    assert pictures.shape == (12, SIDE, SIDE, 3)
    np.testing.assert_array_equal(pictures, draw_photos(SIDE, 12))
    assert len({picture.tobytes() for picture in pictures}) == 12
