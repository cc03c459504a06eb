"""The CPU engine: OpenVINO runs what `worker.engines.build` made. Never imports TensorFlow or Keras."""

from __future__ import annotations

import io
import threading
import time
import weakref
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.blobs import BlobStore, network_key, sha256
from shared.errors import ChecksumError, ParityError
from shared.models.feature_space import FEATURE_COUNT, FeatureSpace
from shared.settings import EngineChoice, Settings
from worker.engines.engine import Weigh, require_pixels
from worker.engines.published import NETWORK_FILE, WEIGHTS_FILE, engine_folder, require_usable
from worker.engines.quiet_openvino import import_openvino

# Measured on 2 cores at 299 px, photos per second and milliseconds for one photo alone:
#   LATENCY, photos one by one        10.2/s   85 ms   299 MB resident
#   LATENCY, batches of 8 (of 16)     11.7/s   (11.0)  492 MB (706 MB)
#   THROUGHPUT (2 streams), batch 1   12.0/s  165 ms   335 MB
# So the network is compiled twice: all cores for one photo where few wait, a photo per stream where many do.
# A cache of the compiled network saves less than 0.1 s of a start, costs 80 MB, and nobody would verify it.
# How many photos are worked on together is measured at the start: as many as this machine answers in
# BATCH_SECONDS, since the first of them waits for the last, and enough for all streams.
BATCH_SECONDS = 0.4
MIN_BATCH, MAX_BATCH = 8, 32
# OpenVINO tells nobody of an inference that failed. The slowest photo measured took less than a second.
LOST_SECONDS = 60.0


class OpenVinoEngine:
    """See `worker.engines.engine.Engine`."""

    def __init__(
        self, name: str, alone: Any, many: Any, queue: Any, feature_space: FeatureSpace, reason: str
    ) -> None:
        self.name = name
        self._alone = alone.create_infer_request()
        self._queue = queue
        self._queue.set_callback(_photo_done)
        # A stream that has told us is not at its very end yet: Python must not be gone by then.
        weakref.finalize(self, queue.wait_all)
        self._map_shape = tuple(alone.outputs[1].shape)[1:]  # (2048, side, side)
        self._streams = int(many.get_property("NUM_STREAMS"))
        self.device = f"CPU ({alone.get_property('EXECUTION_DEVICES')[0]}, {self._streams} streams)"
        self.feature_space = feature_space
        self.reason = reason
        # Two rounds for every stream at least, so that no stream idles for long at the end of a batch.
        self.preferred_batch = max(MIN_BATCH, 2 * self._streams)
        self.preferred_batch = self._measured_batch()

    def features(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See `worker.engines.engine.Engine.features`."""
        require_pixels(pixels, self.feature_space.image_size)
        running = self._begun(pixels, (FEATURE_COUNT,))
        running.wait()
        return running.outputs[0]

    def explain(self, pixels: npt.NDArray[np.uint8]) -> Running:
        """See `worker.engines.engine.Engine.explain`."""
        require_pixels(pixels, self.feature_space.image_size)
        return self._begun(pixels, (FEATURE_COUNT,), self._map_shape)

    def _begun(self, pixels: npt.NDArray[np.uint8], *shapes: tuple[int, ...]) -> Running:
        """The first outputs of the network, of these shapes, of photos that are on their way."""
        running = Running(len(pixels), shapes)
        if len(pixels) < self._streams:
            for index in range(len(pixels)):
                self._alone.infer({0: pixels[index : index + 1]}, share_outputs=True)
                running.keep(self._alone, index)
        else:
            for index in range(len(pixels)):  # waits until a stream is free
                self._queue.start_async({0: pixels[index : index + 1]}, (running, index))
        return running

    def _measured_batch(self) -> int:
        """The photos that take BATCH_SECONDS, in whole rounds of the streams."""
        side = self.feature_space.image_size
        pixels = np.zeros((2 * self._streams, side, side, 3), dtype=np.uint8)
        self.features(pixels)  # the first pass also allocates
        began = time.perf_counter()
        self.features(pixels)
        rate = len(pixels) / (time.perf_counter() - began)
        rounds = int(min(rate * BATCH_SECONDS, MAX_BATCH) / self._streams)
        return max(self.preferred_batch, rounds * self._streams)


class Running:
    """See `worker.engines.engine.Explained`. Each photo is kept by the thread of the stream it was in."""

    def __init__(self, count: int, shapes: Sequence[tuple[int, ...]]) -> None:
        self.outputs = tuple(np.empty((count, *shape), dtype=np.float32) for shape in shapes)
        self._missing = count
        self._lock = threading.Lock()
        self._all_kept = threading.Event()
        self._trouble: Exception | None = None

    def keep(self, request: Any, index: int) -> None:
        """Copy what an inference request gave for the photo `index`."""
        try:
            for number, output in enumerate(self.outputs):
                output[index] = request.get_output_tensor(number).data[0]
        except Exception as error:  # noqa: BLE001 - told to who waits
            self._trouble = error
        with self._lock:
            self._missing -= 1
            if not self._missing:
                self._all_kept.set()

    def wait(self) -> None:
        """Return when all are kept.

        Raises:
            Exception: what went wrong with one of them.
        """
        if not self._all_kept.wait(LOST_SECONDS):
            raise TimeoutError("OpenVINO did not answer for a photo.")
        if self._trouble is not None:
            raise self._trouble

    def result(self, weigh: Weigh) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """See `worker.engines.engine.Explained.result`."""
        self.wait()
        features, seen = self.outputs
        maps = weigh(features)[:, np.newaxis] @ seen.reshape(*seen.shape[:2], -1)
        return features, maps.reshape(len(maps), *seen.shape[2:])


def _photo_done(request: Any, place: tuple[Running, int]) -> None:
    running, index = place
    running.keep(request, index)


def load_openvino_engine(settings: Settings, feature_space: FeatureSpace, reason: str = "") -> OpenVinoEngine:
    """Load the engine that was built for `feature_space`.

    Raises:
        ParityError: it was not built, or not shown to answer as Keras does under this release of OpenVINO.
        ChecksumError: its files changed since they were compared with Keras.
    """
    openvino = import_openvino()
    folder = engine_folder(settings, feature_space)
    require_usable(folder, feature_space, openvino.__version__)
    return compile_engine(settings, folder / NETWORK_FILE, feature_space, reason)


def compile_engine(
    settings: Settings, network: Any, feature_space: FeatureSpace, reason: str
) -> OpenVinoEngine:
    """Compile the network file `network` unchecked: for `load_openvino_engine` and the build, which check."""
    core = import_openvino().Core()
    return _compile(settings, core, core.read_model(network), EngineChoice.OPENVINO, feature_space, reason)


def load_int8_engine(
    settings: Settings, blobs: BlobStore, feature_space: FeatureSpace, digest: str, reason: str = ""
) -> OpenVinoEngine:
    """Load the quantized network that is stored under `digest`.

    Raises:
        BlobMissingError: its file is gone.
        ChecksumError: its file is not the one that was judged.
    """
    archive = blobs.get(network_key(digest))
    if sha256(archive) != digest:
        raise ChecksumError("The int8 network differs from the one that was judged.")
    openvino = import_openvino()
    core = openvino.Core()
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        weights = np.frombuffer(files.read(WEIGHTS_FILE), dtype=np.uint8)
        model = core.read_model(files.read(NETWORK_FILE), openvino.Tensor(weights))
    return _compile(settings, core, model, EngineChoice.OPENVINO_INT8, feature_space, reason)


def _compile(
    settings: Settings, core: Any, model: Any, name: str, feature_space: FeatureSpace, reason: str
) -> OpenVinoEngine:
    size = feature_space.image_size
    model.reshape([1, size, size, 3])
    model.add_outputs(_before_pooling(model))
    alone = core.compile_model(model, "CPU", _options(settings, "LATENCY"))
    many = core.compile_model(model, "CPU", _options(settings, "THROUGHPUT"))
    queue = import_openvino().AsyncInferQueue(many)
    return OpenVinoEngine(name, alone, many, queue, feature_space, reason)


def _before_pooling(model: Any) -> Any:
    """What the network saw at each place, (1, 2048, side, side): its features are the means of it.

    Raises:
        ParityError: the network ends in something else, so it is none of ours.
    """
    pooling = model.output(0).get_node().input(0).get_source_output().get_node()
    if pooling.get_type_name() != "ReduceMean":
        raise ParityError("This OpenVINO network does not end in global average pooling. Build it again.")
    return pooling.input(0).get_source_output()


def _options(settings: Settings, hint: str) -> dict[str, str | int]:
    return {
        "PERFORMANCE_HINT": hint,
        # Left to itself OpenVINO takes bf16 where the CPU has it: less exact, and slower here.
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": settings.threads,
    }
