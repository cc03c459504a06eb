"""Everything that can be chosen about a training, in one object for form, API, command line and job."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.errors import ValidationError
from shared.models.feature_space import MIN_IMAGE_SIZE

# At 1024 px a photo takes 12 times the memory and time of 299 px; listing photos hold little more detail.
MAX_IMAGE_SIZE = 1024
# Twice the 2048 features; a wider layer only memorises, and the head would outgrow its size limit.
MAX_HIDDEN_UNITS = 4096
# NumPy, Keras and SQL integers all take this range.
MAX_SEED = 2**31 - 1


class HyperParameters(BaseModel):
    """How to train a head. Titles serve as form labels, descriptions as hints.

    Raises:
        pydantic.ValidationError: a value is out of range or of the wrong type, or its name is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    image_size: int = Field(
        299,
        ge=MIN_IMAGE_SIZE,
        le=MAX_IMAGE_SIZE,
        title="Image size (pixels)",
        description="Side of the square each photo is scaled to. Larger is more accurate and slower: "
        "299 takes about four times as long as 150.",
    )
    learning_rate: float = Field(
        0.0005,
        gt=0,
        le=1,
        title="Learning rate",
        description="How far the weights move at each step. Too high and training jumps about, "
        "too low and it does not finish. Usual values: 0.0001 to 0.01.",
    )
    hidden_units: int = Field(
        100,
        ge=0,
        le=MAX_HIDDEN_UNITS,
        title="Hidden units",
        description="Size of the layer between the features and the categories. 0 leaves it out.",
    )
    dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        title="Dropout",
        description="Share of values hidden at random during training, against learning photos by heart. "
        "0 turns it off.",
    )
    epochs: int = Field(
        50,
        ge=1,
        le=500,
        title="Epochs",
        description="How many times training goes through all training photos, at most.",
    )
    batch_size: int = Field(
        32,
        ge=1,
        le=4096,
        title="Batch size",
        description="How many photos are looked at before the weights move once.",
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        title="Label smoothing",
        description="How much doubt is put on every label. Helps when some labels are wrong; 0 turns it off.",
    )
    class_weighting: Literal["none", "balanced"] = Field(
        "none",
        title="Class weighting",
        description="'balanced' makes rare categories count as much as common ones, 'none' counts every "
        "photo the same.",
    )
    seed: int = Field(
        42,
        ge=0,
        le=MAX_SEED,
        title="Seed",
        description="Starting point of everything random. The same seed and data give the same head again.",
    )
    patience: int = Field(
        10,
        ge=0,
        le=500,
        title="Patience (epochs)",
        description="Training stops early after this many epochs without improvement. 0 never stops early.",
    )
    monitor: Literal["val_accuracy", "val_loss"] = Field(
        "val_accuracy",
        title="Judge epochs by",
        description="Which figure on the validation photos decides the best epoch: the share of right "
        "answers (val_accuracy), or the loss, which also counts how sure they were (val_loss).",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_values(cls, value: object) -> object:
        """Python counts True as 1, so `"epochs": true` would quietly train for one epoch."""
        if isinstance(value, bool):
            raise ValueError("Send a value here, not true or false.")
        return value

    @classmethod
    def from_preset(cls, name: str, /, **overrides: Any) -> HyperParameters:
        """The preset called `name` with some of its values replaced.

        Raises:
            ValidationError: there is no such preset.
            pydantic.ValidationError: an override is unknown or out of range.
        """
        if name not in PRESETS:
            raise ValidationError(f"There is no preset called {name!r}. Choose one of {', '.join(PRESETS)}.")
        return cls.model_validate(PRESETS[name].model_dump() | overrides)


# The time of a training is nearly all in computing features, which depends on the image size alone; the
# presets therefore differ in it first. 224 px costs 2.2 times 150 px and about half of 299 px.
PRESETS: Mapping[str, HyperParameters] = MappingProxyType(
    {
        "quick": HyperParameters(image_size=150, learning_rate=0.001, epochs=20, patience=5),
        "balanced": HyperParameters(image_size=224, learning_rate=0.001, epochs=30, patience=8),
        "best": HyperParameters(),
    }
)
