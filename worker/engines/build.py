"""Build the OpenVINO engine of one feature space: `python -m worker.engines.build --image-size 299`.

Runs in a process of its own, because it imports TensorFlow, which the workers that use the engine never do.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.errors import ChecksumError, HangtagError, ParityError, ValidationError
from shared.models.feature_space import MIN_IMAGE_SIZE, FeatureSpace
from shared.photos.pixels import read_pixels
from shared.settings import Settings, load_settings
from worker.engines.build_process import EXIT_NO_PARITY
from worker.engines.drawn_photos import draw_photos
from worker.engines.keras_engine import FULL_PRECISION, load_keras_engine
from worker.engines.openvino_engine import compile_engine
from worker.engines.parity import ParityReport, compare
from worker.engines.published import (
    NETWORK_FILE,
    REPORT_FILE,
    engine_folder,
    file_digests,
    publish,
    require_usable,
)
from worker.engines.quiet_openvino import import_openvino
from worker.network.base_weights import ensure_base_weights
from worker.network.file_lock import file_lock
from worker.network.tensorflow_setup import prepare_tensorflow
from worker.network.version_weights import load_weights
from worker.network.weight_arrays import Arrays

log = logging.getLogger(__name__)

# Enough to meet every kind of garment, few enough to take seconds.
MAX_PHOTOS = 32


def build_engine(settings: Settings, feature_space: FeatureSpace, photos: Path | None = None) -> Path:
    """Build, compare and publish the OpenVINO engine of `feature_space`, unless that was done before.

    Of two processes that build at once one waits and finds the other's result. This process is set up to use
    no GPU, so it should end afterwards.

    Args:
        photos: a folder of JPEG photos to compare the engines on; None compares drawn pictures.

    Returns:
        The published folder with model.xml, model.bin and parity.json.

    Raises:
        BaseWeightsError: the base weights cannot be had.
        ParityError: OpenVINO's answers differ too much from Keras'; nothing was published.
    """
    openvino = import_openvino()
    folder = engine_folder(settings, feature_space)
    with file_lock(folder.with_name(f"{folder.name}.lock"), f"build {folder.name}"):
        try:
            require_usable(folder, feature_space, openvino.__version__)
        except (ParityError, ChecksumError) as reason:
            log.info("building %s: %s", folder.name, reason)
        else:
            return folder
        _remove_leftovers(folder)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=_prefix(folder)) as scratch:
            built = Path(scratch) / "built"
            built.mkdir()
            _build(openvino, settings, feature_space, photos, built)
            publish(built, folder)
    return folder


def _prefix(folder: Path) -> str:
    return f".building-{folder.name}-"


def _remove_leftovers(folder: Path) -> None:
    """Clear away what builders that were killed left behind; the lock says that none is at work."""
    for pattern in (f"{_prefix(folder)}*", f".replaced-{folder.name}"):
        for leftover in folder.parent.glob(pattern):
            shutil.rmtree(leftover)


def _build(
    openvino: Any, settings: Settings, feature_space: FeatureSpace, photos: Path | None, built: Path
) -> None:
    size = feature_space.image_size
    pixels = draw_photos(size) if photos is None else _read_photos(photos, size)
    # The reference is Keras in float32 on the CPU. A GPU would round differently, and may be busy.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    prepare_tensorflow(settings.threads)
    weights = ensure_base_weights(settings)
    _convert(openvino, feature_space, load_weights(settings, feature_space, weights), built)
    reference = load_keras_engine(settings, feature_space, weights, precision=FULL_PRECISION)
    candidate = compile_engine(settings, built / NETWORK_FILE, feature_space, "")
    report = ParityReport(
        feature_space=feature_space,
        engine_version=openvino.__version__,
        files=file_digests(built),
        source="drawn pictures" if photos is None else "photos",
        parity=compare(reference.features(pixels), candidate.features(pixels)),
    )
    log.info("compared with Keras: %s", report.parity)
    report.parity.require(f"OpenVINO {openvino.__version__}")
    (built / REPORT_FILE).write_text(report.to_json())


def _convert(openvino: Any, feature_space: FeatureSpace, arrays: Arrays, built: Path) -> None:
    # It imports Keras, which must find TensorFlow prepared.
    from worker.network.xception import build_backbone  # noqa: PLC0415

    model = build_backbone(feature_space.image_size, arrays)
    with tempfile.TemporaryDirectory(dir=built.parent) as exported:
        model.export(exported, format="tf_saved_model", verbose=False)
        converted = openvino.convert_model(exported)
        # Pixels travel as bytes, a quarter of float32; OpenVINO widens them itself.
        steps = openvino.preprocess.PrePostProcessor(converted)
        steps.input().tensor().set_element_type(openvino.Type.u8)
        # The default would round the weights to half precision.
        openvino.save_model(steps.build(), built / NETWORK_FILE, compress_to_fp16=False)


def _read_photos(folder: Path, image_size: int) -> npt.NDArray[np.uint8]:
    """Up to MAX_PHOTOS photos from all over the folder, which is often sorted by category."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    if len(paths) < 2:
        raise ValidationError(
            f"{folder} holds {len(paths)} JPEG photos; at least 2 are needed to compare engines."
        )
    chosen = paths[:: max(1, len(paths) // MAX_PHOTOS)][:MAX_PHOTOS]
    return np.stack([read_pixels(path.read_bytes(), image_size) for path in chosen])


def main(arguments: Sequence[str] | None = None) -> int:
    """Build from the command line. The settings come from the environment.

    Returns:
        The exit status: 0, EXIT_NO_PARITY, or 1 for everything else that Hangtag can explain.
    """
    parser = argparse.ArgumentParser(prog="python -m worker.engines.build", description=build_engine.__doc__)
    parser.add_argument(
        "--image-size", type=int, required=True, help=f"side in pixels, from {MIN_IMAGE_SIZE}"
    )
    parser.add_argument(
        "--layers", default="", help="SHA-256 of the version's fine-tuned layers, if it has any"
    )
    parser.add_argument("--photos", type=Path, help="a folder of JPEG photos to compare the engines on")
    options = parser.parse_args(arguments)
    if options.image_size < MIN_IMAGE_SIZE:
        parser.error(f"--image-size must be at least {MIN_IMAGE_SIZE}: Xception runs out of pixels below.")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        settings = load_settings()
        space = FeatureSpace(settings.base_weights_digest, options.image_size, layers_digest=options.layers)
        log.info("ready: %s", build_engine(settings, space, options.photos))
    except HangtagError as error:
        log.error("%s", error.message)
        return EXIT_NO_PARITY if isinstance(error, ParityError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
