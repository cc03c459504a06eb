"""Feature spaces: features are only comparable inside one."""

from __future__ import annotations

from dataclasses import dataclass

# Raise when shared.photos.pixels or the backbone's rescaling changes: old features become incomparable.
PREPROCESSING_VERSION = 1
# Xception after global average pooling (Chollet 2017, figure 5).
FEATURE_COUNT = 2048
# Below this Xception's valid-padded convolutions run out of pixels.
MIN_IMAGE_SIZE = 71


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """Which weights saw which picture.

    `base_digest` is the SHA-256 of the base weights, `image_size` the side of the square input in pixels.
    `layers_digest` is that of the file of fine-tuned layers which take the place of the last base weights;
    empty where the base weights are as they were published.
    """

    base_digest: str
    image_size: int
    preprocessing: int = PREPROCESSING_VERSION
    layers_digest: str = ""

    @property
    def key(self) -> str:
        """A short name that is safe in paths and unique in practice."""
        plain = f"xception-{self.base_digest[:16]}-{self.image_size}px-p{self.preprocessing}"
        return f"{plain}-t{self.layers_digest[:16]}" if self.layers_digest else plain
