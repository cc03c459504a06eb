"""An OpenVINO engine loads only with the proof that these very files answer as Keras does."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ChecksumError, ParityError, PermanentError
from shared.models.feature_space import FeatureSpace
from shared.settings import Settings
from worker.engines.choose import load_engine
from worker.engines.openvino_engine import load_openvino_engine
from worker.engines.parity import ParityReport


def spoil_report(folder: Path, *path: str, value: object) -> None:
    file = folder / "parity.json"
    report: dict[str, Any] = json.loads(file.read_text())
    entry = report
    for name in path[:-1]:
        entry = entry[name]
    entry[path[-1]] = value
    file.write_text(json.dumps(report))


def test_an_engine_is_published_with_its_proof(built: Path, space: FeatureSpace) -> None:
    report = ParityReport.from_json((built / "parity.json").read_text())

    assert {path.name for path in built.iterdir()} == {"model.xml", "model.bin", "parity.json"}
    assert report.parity.passed
    assert report.feature_space == space
    assert report.source == "drawn pictures"


def test_an_engine_that_was_built_is_not_built_again(
    settings: Settings, space: FeatureSpace, built: Path
) -> None:
    before = (built / "model.bin").stat().st_mtime_ns

    engine = load_engine(settings, space)

    assert (built / "model.bin").stat().st_mtime_ns == before
    assert (engine.name, engine.reason) == ("openvino", "HANGTAG_ENGINE=openvino asks for it.")


@pytest.mark.parametrize("name", ["model.bin", "model.xml"])
def test_a_tampered_engine_file_is_refused(
    name: str, copied: tuple[Settings, Path], space: FeatureSpace
) -> None:
    settings, folder = copied
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(ChecksumError, match="differs from the one that was compared"):
        load_openvino_engine(settings, space)


@pytest.mark.parametrize("name", ["model.bin", "model.xml", "parity.json"])
def test_an_engine_with_a_missing_file_is_refused(
    name: str, copied: tuple[Settings, Path], space: FeatureSpace
) -> None:
    settings, folder = copied
    (folder / name).unlink()

    with pytest.raises(ParityError, match=f"{name} is missing"):
        load_openvino_engine(settings, space)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("parity", "min_cosine"), 0.99, "differ too much"),
        (("parity", "min_cosine"), float("nan"), "differ too much"),
        (("parity", "max_relative_error"), 0.5, "differ too much"),
        (("parity", "reference_spread"), 0.0, "hardly differ between pictures"),
        (("feature_space", "image_size"), 299, "built for the feature space"),
        (("feature_space", "base_digest"), "0" * 64, "built for the feature space"),
        (("engine_version",), "2020.1", r"compared under OpenVINO 2020\.1"),
        (("parity",), {}, "cannot be read"),
    ],
)
def test_an_engine_whose_proof_does_not_hold_is_refused(
    path: tuple[str, ...], value: object, message: str, copied: tuple[Settings, Path], space: FeatureSpace
) -> None:
    settings, folder = copied
    spoil_report(folder, *path, value=value)

    with pytest.raises(ParityError, match=message):
        load_openvino_engine(settings, space)


def test_a_proof_that_only_claims_to_have_passed_is_refused(
    copied: tuple[Settings, Path], space: FeatureSpace
) -> None:
    settings, folder = copied
    spoil_report(folder, "parity", "min_cosine", value=0.5)
    spoil_report(folder, "passed", value=True)

    with pytest.raises(ParityError):
        load_openvino_engine(settings, space)


def test_a_feature_space_of_other_base_weights_is_refused(settings: Settings, space: FeatureSpace) -> None:
    with pytest.raises(PermanentError, match="HANGTAG_BASE_WEIGHTS_DIGEST"):
        load_engine(settings, dataclasses.replace(space, base_digest="0" * 64))


def test_a_feature_space_of_another_preprocessing_is_refused(settings: Settings, space: FeatureSpace) -> None:
    with pytest.raises(PermanentError, match="prepared photos in another way"):
        load_engine(settings, dataclasses.replace(space, preprocessing=99))
