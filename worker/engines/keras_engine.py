"""The engine for a GPU, and the reference for every other engine: Keras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.models.feature_space import FEATURE_COUNT, FeatureSpace
from shared.settings import Settings
from worker.engines.drawn_photos import draw_photos
from worker.engines.engine import Weigh, require_pixels
from worker.engines.parity import compare
from worker.network.tensorflow_setup import prepare_tensorflow
from worker.network.version_weights import load_weights
from worker.network.weight_arrays import Arrays

# A function is compiled once for each of these batches; what is left over is padded up to the next one. On a
# CPU padding costs time in full, so the steps are small; on a GPU it is nearly free and large batches pay.
CPU_BATCHES = (1, 2, 4, 8)
GPU_BATCHES = (1, 8, 32)
FULL_PRECISION = "float32"
GPU_PRECISION = "mixed_float16"
# Enough to notice half precision going wrong, few enough not to delay the start.
CHECKED_PICTURES = 6


class KerasEngine:
    """See `worker.engines.engine.Engine`."""

    name = "keras"

    def __init__(
        self,
        network: Any,
        batches: tuple[int, ...],
        device: str,
        feature_space: FeatureSpace,
        reason: str,
    ) -> None:
        self._network = network
        self._batches = batches
        self.device = device
        self.feature_space = feature_space
        self.reason = reason
        self.preferred_batch = batches[-1]

    def features(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See `worker.engines.engine.Engine.features`."""
        require_pixels(pixels, self.feature_space.image_size)
        output = np.empty((len(pixels), FEATURE_COUNT), dtype=np.float32)
        for start in range(0, len(pixels), self.preferred_batch):
            part = pixels[start : start + self.preferred_batch]
            output[start : start + len(part)] = np.asarray(self._network(self._padded(part))[0])[: len(part)]
        return output

    def explain(self, pixels: npt.NDArray[np.uint8]) -> Running:
        """See `worker.engines.engine.Engine.explain`."""
        require_pixels(pixels, self.feature_space.image_size)
        parts = [
            pixels[start : start + self.preferred_batch]
            for start in range(0, len(pixels), self.preferred_batch)
        ]
        return Running(self, [(len(part), *self._network(self._padded(part))) for part in parts])

    def weighted(self, seen: Any, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Of what the network saw, 2048 numbers per place, only the weighted sums leave the device."""
        from keras import ops  # noqa: PLC0415 - it must find TensorFlow prepared

        sums = ops.einsum("nyxk,nk->nyx", ops.cast(seen, "float32"), self._padded(weights))
        return np.asarray(sums)[: len(weights)]

    def _padded(self, part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        size = next(batch for batch in self._batches if batch >= len(part))
        return np.pad(part, ((0, size - len(part)), *((0, 0),) * (part.ndim - 1)))

    def warm_up(self) -> None:
        """Compile for every batch now, so that no seller waits for it later."""
        side = self.feature_space.image_size
        for batch in self._batches:
            self.explain(np.zeros((batch, side, side, 3), dtype=np.uint8)).result(np.zeros_like)


class Running:
    """See `worker.engines.engine.Explained`. On a GPU the numbers are on their way; asking for them waits."""

    def __init__(self, engine: KerasEngine, parts: Sequence[tuple[int, Any, Any]]) -> None:
        self._engine = engine
        self._parts = parts  # how many photos, and the two outputs of a batch that may be padded

    def result(self, weigh: Weigh) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """See `worker.engines.engine.Explained.result`."""
        features, maps = [], []
        for count, pooled, seen in self._parts:
            features.append(np.asarray(pooled)[:count])
            maps.append(self._engine.weighted(seen, weigh(features[-1])))
        return np.concatenate(features), np.concatenate(maps)


def load_keras_engine(
    settings: Settings,
    feature_space: FeatureSpace,
    weights: Path,
    reason: str = "",
    precision: str | None = None,
) -> KerasEngine:
    """Build the network of `feature_space` on the base weights in `weights` and compile it for this machine.

    Args:
        precision: the Keras dtype policy; None takes "mixed_float16" on a GPU and "float32" on a CPU.

    Raises:
        BaseWeightsError: the file of weights is damaged.
        BlobMissingError, ChecksumError: the fine-tuned layers are gone or damaged.
        ParityError: in less than full precision the answers differ too much from float32.
    """
    tensorflow = prepare_tensorflow(settings.threads)
    on_gpu = bool(tensorflow.config.list_logical_devices("GPU"))
    chosen = precision or (GPU_PRECISION if on_gpu else FULL_PRECISION)
    device = f"{_device_name(tensorflow)}, {chosen}"
    batches = GPU_BATCHES if on_gpu else CPU_BATCHES
    arrays = load_weights(settings, feature_space, weights)
    engine = KerasEngine(_network(feature_space, arrays, chosen), batches, device, feature_space, reason)
    if chosen != FULL_PRECISION:
        _require_parity(engine, _network(feature_space, arrays, FULL_PRECISION))
    if on_gpu:
        engine.warm_up()
    return engine


def _network(feature_space: FeatureSpace, arrays: Arrays, precision: str) -> Any:
    """From pixels to features and the maps they are the means of, compiled."""
    # They import Keras, which must find TensorFlow prepared.
    from worker.network.compiled import compiled  # noqa: PLC0415
    from worker.network.xception import build_backbone, with_maps  # noqa: PLC0415

    return compiled(with_maps(build_backbone(feature_space.image_size, arrays, precision)))


def _require_parity(engine: KerasEngine, full_precision: Any) -> None:
    pictures = draw_photos(engine.feature_space.image_size, CHECKED_PICTURES)
    parity = compare(np.asarray(full_precision(pictures)[0]), engine.features(pictures))
    parity.require(f"the Keras engine on {engine.device}")


def _device_name(tensorflow: Any) -> str:
    gpus = tensorflow.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU ({tensorflow.config.threading.get_intra_op_parallelism_threads()} threads)"
    details = tensorflow.config.experimental.get_device_details(gpus[0])
    return f"GPU ({details.get('device_name', 'unnamed')})"
