"""What every engine promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from shared.models.feature_space import FeatureSpace

# Gives for features (n, 2048) what each of them counts, (n, 2048): `shared.models.head.Head.gradients`.
Weigh = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


class Explained(Protocol):
    """Photos that an engine works on, or has worked on."""

    def result(self, weigh: Weigh) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Wait for the features, and where in the photos what counts was seen.

        Args:
            weigh: asked what each of these features counts.

        Returns:
            The features, (n, 2048), and maps, (n, side, side): at each place, the sum of what the network saw
            there, weighted. The mean of a map is the product of features and weights.
        """


class Engine(Protocol):
    """A loaded backbone. One thread at a time may use it; another one may wait for what it has begun."""

    @property
    def name(self) -> str:
        """ "keras" or "openvino"."""

    @property
    def device(self) -> str:
        """The hardware it runs on, in words."""

    @property
    def reason(self) -> str:
        """Why this engine serves and no other, in one sentence."""

    @property
    def feature_space(self) -> FeatureSpace:
        """The space that its features lie in."""

    @property
    def preferred_batch(self) -> int:
        """How many photos at once it works through fastest, without making the first wait for long."""

    def features(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Compute the features of any number of photos.

        Args:
            pixels: (n, S, S, 3) RGB of `shared.photos.pixels`, n >= 1, S the image size of the feature space.

        Returns:
            (n, 2048), in the order of the photos.

        Raises:
            ValueError: the array has another shape or type.
        """

    def explain(self, pixels: npt.NDArray[np.uint8]) -> Explained:
        """Begin to compute the features of any number of photos, and where in them everything was seen.

        Returns as soon as others may follow: an engine that is fed before it has ended never waits.

        Args:
            pixels: as for `features`.

        Raises:
            ValueError: the array has another shape or type.
        """


def require_pixels(pixels: npt.NDArray[np.uint8], image_size: int) -> None:
    """Refuse what no engine takes, before a native library sees it.

    Raises:
        ValueError: `pixels` is not uint8 of the shape (n, image_size, image_size, 3) with n >= 1.
    """
    fits = pixels.ndim == 4 and len(pixels) >= 1 and pixels.shape[1:] == (image_size, image_size, 3)
    if not fits or pixels.dtype != np.uint8:
        raise ValueError(
            f"An engine for {image_size} px takes uint8 of the shape (n, {image_size}, {image_size}, 3), "
            f"not {pixels.dtype} of the shape {pixels.shape}."
        )
