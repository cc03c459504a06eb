"""Quantize an OpenVINO network to 8 bits: `python -m worker.engines.quantize NETWORK PHOTOS OUTPUT`.

Runs in a process of its own: NNCF and the libraries it brings are needed for a minute and by nobody else.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from worker.engines.published import NETWORK_FILE, WEIGHTS_FILE
from worker.engines.quiet_openvino import import_openvino

log = logging.getLogger(__name__)


def quantize(network: Path, photos: Path, output: Path) -> None:
    """Quantize `network` (model.xml) after training: no gradients, only the ranges seen on `photos`.

    Args:
        photos: an npy file with the pixels of calibration photos, uint8 of the shape (n, S, S, 3).
        output: the archive to write, with model.xml and model.bin.
    """
    openvino = import_openvino()
    import nncf  # noqa: PLC0415 - after OpenVINO, which has been told to keep quiet

    pixels = np.load(photos)
    model = openvino.Core().read_model(network)
    model.reshape([1, *pixels.shape[1:]])
    quantized = nncf.quantize(
        model,
        nncf.Dataset([pixels[index : index + 1] for index in range(len(pixels))]),
        # Symmetric weights, asymmetric activations: what the figures in docs/performance.md were made with.
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(pixels),
    )
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        openvino.save_model(quantized, Path(folder) / NETWORK_FILE, compress_to_fp16=False)
        with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
            for name in (NETWORK_FILE, WEIGHTS_FILE):
                archive.write(Path(folder) / name, name)
    log.info("quantized with %d photos, NNCF %s", len(pixels), nncf.__version__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Quantize from the command line."""
    parser = argparse.ArgumentParser(prog="python -m worker.engines.quantize", description=quantize.__doc__)
    for name in ("network", "photos", "output"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    quantize(options.network, options.photos, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
