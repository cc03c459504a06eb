"""Training photos varied anew in every epoch, on CPU threads, while the network works on those before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from shared.blobs import BlobStore, photo_key
from shared.errors import HangtagError
from shared.models.feature_space import FEATURE_COUNT
from shared.photos.augment import AugmentedPhotos
from worker.engines.engine import Engine
from worker.extract import readable
from worker.pixels import Pixels, decode

# Batches that wait ready for the network.
PREFETCHED = 2


class FreshFeatures:
    """Called with the number of an epoch: the features (n, 2048) of `digests`, varied as in no other epoch.

    The same seed, photo and epoch give the same picture, so an epoch can be repeated by itself.
    `on_batch(done, total)` is called as photos are through the network; what it raises is passed on.
    """

    def __init__(
        self,
        engine: Engine,
        photos: AugmentedPhotos,
        digests: Sequence[str],
        blobs: BlobStore,
        threads: int,
        on_batch: Callable[[int, int], None],
    ) -> None:
        self._engine = engine
        self._photos = photos
        self._digests = list(digests)
        self._blobs = blobs
        self._threads = threads
        self._on_batch = on_batch
        self._unreadable: HangtagError | None = None

    def __call__(self, epoch: int) -> npt.NDArray[np.float32]:
        """See the class.

        Raises:
            ValidationError: a photo cannot be read any more; the message names it.
        """
        features = np.empty((len(self._digests), FEATURE_COUNT), np.float32)
        done = 0
        try:
            for pixels in self._pipeline(epoch).as_numpy_iterator():
                features[done : done + len(pixels)] = self._engine.features(pixels)
                done += len(pixels)
                self._on_batch(done, len(features))
        except tf.errors.OpError:
            if self._unreadable is None:
                raise
            raise self._unreadable from None
        return features

    def _pipeline(self, epoch: int) -> tf.data.Dataset:
        side = self._engine.feature_space.image_size

        def pixels(digest: tf.Tensor) -> tf.Tensor:
            drawn = tf.numpy_function(lambda raw: self._pixels(raw.decode(), epoch), [digest], tf.uint8)
            return tf.ensure_shape(drawn, (side, side, 3))

        options = tf.data.Options()
        # TensorFlow's own pool has one thread here (worker.network.tensorflow_setup).
        options.threading.private_threadpool_size = self._threads
        return (
            tf.data.Dataset.from_tensor_slices(self._digests)
            .map(pixels, num_parallel_calls=self._threads, deterministic=True)
            .batch(self._engine.preferred_batch)
            .prefetch(PREFETCHED)
            .with_options(options)
        )

    def _pixels(self, digest: str, epoch: int) -> Pixels:
        try:
            return readable(digest, decode(partial(self._read, epoch), digest))
        except HangtagError as error:
            self._unreadable = error  # TensorFlow passes on no more than its text
            raise

    def _read(self, epoch: int, digest: str) -> Pixels:
        data = self._blobs.get(photo_key(digest))
        return self._photos.pixels(digest, data, self._engine.feature_space.image_size, epoch)
