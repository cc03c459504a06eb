"""Everything that can be chosen about a training, in one object for form, API, command line and job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic import ValidationError as InvalidFieldError

from shared.models.feature_space import MIN_IMAGE_SIZE
from shared.models.parameter_fields import ParametersError, flat, nested, problems_of

# At 1024 px a photo takes 12 times the memory and time of 299 px; listing photos hold little more detail.
MAX_IMAGE_SIZE = 1024
# Twice the 2048 features; a wider layer only memorises, and the head would outgrow its size limit.
MAX_HIDDEN_UNITS = 4096
# NumPy, Keras and SQL integers all take this range.
MAX_SEED = 2**31 - 1
# Each view costs as much as all photos once; what 20 fixed views do not teach, fresh draws do for less disk.
MAX_VIEWS = 20
# Xception has 14 blocks (Chollet 2017, figure 5); block 14 is the last.
LAST_BLOCK = 14


class _Parameters(BaseModel):
    """A frozen part of the parameters. Values may come nested, or under names with dots."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _undot(cls, values: Any) -> Any:
        return nested(values) if isinstance(values, Mapping) else values

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_values(cls, value: object, info: ValidationInfo) -> object:
        """Python counts True as 1, so `"epochs": true` would quietly train for one epoch."""
        wanted = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and wanted.annotation is not bool:
            raise ValueError(f"{wanted.title or info.field_name} needs a value, not true or false.")
        return value


class Augmentation(_Parameters):
    """How training photos are varied. Validation and test photos never are (`shared.datasets.sides`).

    All ranges reach to both sides: rotation 10 draws from -10 to 10 degrees.
    """

    mode: Literal["none", "views", "exact"] = Field(
        "none",
        title="Augmentation",
        description="'none' shows every photo as it is. 'views' makes some varied copies of each photo once "
        "and keeps what the network sees in them. 'exact' varies every photo anew in each epoch: the network "
        "sees all photos again each time, which takes hours without a GPU.",
        json_schema_extra={"group": "Augmentation"},
    )
    views: int = Field(
        4,
        ge=1,
        le=MAX_VIEWS,
        title="Views per photo",
        description="How many varied copies of each photo 'views' makes. Each takes as long as all photos "
        "once.",
        json_schema_extra={"group": "Augmentation"},
    )
    rotation: float = Field(
        10.0,
        ge=0,
        le=180,
        title="Rotation (degrees)",
        description="Photos are turned by up to this many degrees to either side.",
        json_schema_extra={"group": "Augmentation"},
    )
    width_shift: float = Field(
        0.1,
        ge=0,
        le=0.5,
        title="Shift sideways (share of the width)",
        description="Photos are moved left or right by up to this share of their width.",
        json_schema_extra={"group": "Augmentation"},
    )
    height_shift: float = Field(
        0.1,
        ge=0,
        le=0.5,
        title="Shift up and down (share of the height)",
        description="Photos are moved up or down by up to this share of their height.",
        json_schema_extra={"group": "Augmentation"},
    )
    shear: float = Field(
        0.0,
        ge=0,
        le=45,
        title="Shear (degrees)",
        description="Photos are slanted by up to this many degrees.",
        json_schema_extra={"group": "Augmentation"},
    )
    zoom: float = Field(
        0.1,
        ge=0,
        le=0.9,
        title="Zoom (share)",
        description="Photos are enlarged or shrunk by up to this share, width and height each by themselves.",
        json_schema_extra={"group": "Augmentation"},
    )
    horizontal_flip: bool = Field(
        True,
        title="Mirror left and right",
        description="Half of the photos are mirrored. Clothes look much the same in a mirror.",
        json_schema_extra={"group": "Augmentation"},
    )
    vertical_flip: bool = Field(
        False,
        title="Mirror top and bottom",
        description="Half of the photos are turned upside down. Sellers seldom take photos like that.",
        json_schema_extra={"group": "Augmentation"},
    )
    fill: Literal["nearest", "reflect", "wrap", "black"] = Field(
        "nearest",
        title="Fill the edges with",
        description="What is shown where a moved photo leaves a gap: its nearest pixels, its mirror image, "
        "its other side, or black.",
        json_schema_extra={"group": "Augmentation"},
    )


class FineTuning(_Parameters):
    """A second phase that trains the upper blocks of Xception together with the head, at a low rate."""

    from_block: int = Field(
        0,
        ge=0,
        le=LAST_BLOCK,
        title="Fine-tune from block",
        description="The blocks of the network from this one to the last, 14, learn too; the lower ones stay "
        "as they are. 0 trains only the layers on top. 13 is a good start: lower ones need more time, memory "
        "and disk.",
        json_schema_extra={"group": "Fine-tuning"},
    )
    epochs: int = Field(
        5,
        ge=1,
        le=100,
        title="Epochs of fine-tuning",
        description="How many times fine-tuning goes through all training photos, at most.",
        json_schema_extra={"group": "Fine-tuning"},
    )
    learning_rate: float = Field(
        0.0001,
        gt=0,
        le=0.01,
        title="Learning rate of fine-tuning",
        description="Low, so that the network keeps what it knows. Usual values: 0.00001 to 0.0001.",
        json_schema_extra={"group": "Fine-tuning"},
    )
    rate_decay: float = Field(
        0.8,
        gt=0,
        le=1,
        title="Rate decay per epoch",
        description="What the rate of fine-tuning is multiplied with after each epoch. 1 keeps it.",
        json_schema_extra={"group": "Fine-tuning"},
    )


class HyperParameters(_Parameters):
    """How to train a version. Titles serve as form labels, descriptions as hints.

    `shared.models.parameter_fields.fields_of` lists the fields with their groups and bounds.

    Raises:
        pydantic.ValidationError: a value is out of range or of the wrong type, or its name is unknown.
    """

    image_size: int = Field(
        299,
        ge=MIN_IMAGE_SIZE,
        le=MAX_IMAGE_SIZE,
        title="Image size (pixels)",
        description="Side of the square each photo is scaled to. Larger is more accurate and slower: "
        "299 takes about four times as long as 150.",
        json_schema_extra={"group": "Photos"},
    )
    precision: Literal["full", "int8"] = Field(
        "full",
        title="Precision of features",
        description="'int8' computes what the network sees in training photos in 8 bits: about three times "
        "as fast on a CPU, and possible where an int8 engine of this image size passed its check. Validation "
        "and test photos are always seen in full precision ('full').",
        json_schema_extra={"group": "Photos"},
    )
    learning_rate: float = Field(
        0.0005,
        gt=0,
        le=1,
        title="Learning rate",
        description="How far the weights move at each step. Too high and training jumps about, "
        "too low and it does not finish. Usual values: 0.0001 to 0.01.",
        json_schema_extra={"group": "Learning"},
    )
    hidden_units: int = Field(
        100,
        ge=0,
        le=MAX_HIDDEN_UNITS,
        title="Hidden units",
        description="Size of the layer between the features and the categories. 0 leaves it out.",
        json_schema_extra={"group": "Head"},
    )
    dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        title="Dropout",
        description="Share of values hidden at random during training, against learning photos by heart. "
        "0 turns it off.",
        json_schema_extra={"group": "Head"},
    )
    epochs: int = Field(
        50,
        ge=1,
        le=500,
        title="Epochs",
        description="How many times training goes through all training photos, at most.",
        json_schema_extra={"group": "Learning"},
    )
    batch_size: int = Field(
        32,
        ge=1,
        le=4096,
        title="Batch size",
        description="How many photos are looked at before the weights move once.",
        json_schema_extra={"group": "Learning"},
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        title="Label smoothing",
        description="How much doubt is put on every label. Helps when some labels are wrong; 0 turns it off.",
        json_schema_extra={"group": "Learning"},
    )
    class_weighting: Literal["none", "balanced"] = Field(
        "none",
        title="Class weighting",
        description="'balanced' makes rare categories count as much as common ones, 'none' counts every "
        "photo the same.",
        json_schema_extra={"group": "Learning"},
    )
    seed: int = Field(
        42,
        ge=0,
        le=MAX_SEED,
        title="Seed",
        description="Starting point of everything random. The same seed and data give the same head again.",
        json_schema_extra={"group": "Learning"},
    )
    patience: int = Field(
        10,
        ge=0,
        le=500,
        title="Patience (epochs)",
        description="Training stops early after this many epochs without improvement. 0 never stops early.",
        json_schema_extra={"group": "Stopping"},
    )
    monitor: Literal["val_accuracy", "val_loss"] = Field(
        "val_accuracy",
        title="Judge epochs by",
        description="Which figure on the validation photos decides the best epoch: the share of right "
        "answers (val_accuracy), or the loss, which also counts how sure they were (val_loss).",
        json_schema_extra={"group": "Stopping"},
    )
    augmentation: Augmentation = Augmentation()
    fine_tuning: FineTuning = FineTuning()

    @field_validator("fine_tuning")
    @classmethod
    def _of_plain_photos(cls, value: FineTuning, info: ValidationInfo) -> FineTuning:
        """Fine-tuning keeps what the lower blocks see in a photo, once and in full precision."""
        augmentation = info.data.get("augmentation")
        if value.from_block and augmentation is not None and augmentation.mode != "none":
            raise ValueError(
                "Fine-tuning looks at the photos as they are. Set the augmentation to 'none', "
                "or 'Fine-tune from block' to 0."
            )
        if value.from_block and info.data.get("precision") == "int8":
            raise ValueError(
                "Fine-tuning works in full precision. Set the precision of features to 'full', "
                "or 'Fine-tune from block' to 0."
            )
        return value

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Parameters from what a person sent, nested or under dotted names; what is left out has its default.

        Raises:
            ParametersError: some values cannot be used; it has a sentence for each.
        """
        try:
            return cls.model_validate(values)
        except InvalidFieldError as error:
            raise problems_of(cls, error) from error

    @classmethod
    def from_preset(cls, name: str, /, **overrides: Any) -> HyperParameters:
        """The preset called `name` with some of its values replaced, nested or under dotted names.

        Raises:
            ParametersError: the preset or an override is unknown or out of range; a sentence for each.
        """
        if name not in PRESETS:
            sentence = f"There is no preset called {name!r}. Choose one of {', '.join(PRESETS)}."
            raise ParametersError([{"field": "preset", "message": sentence}])
        return cls.from_values(PRESETS[name].parameters.flat() | flat(overrides))

    @property
    def picture_seed(self) -> int:
        """The seed of varied pictures. Views are kept, so that trainings with other seeds share them."""
        return self.seed if self.augmentation.mode == "exact" else 0

    @property
    def all_epochs(self) -> int:
        """The most epochs that a training with these may have, in both phases."""
        return self.epochs + (self.fine_tuning.epochs if self.fine_tuning.from_block else 0)

    def flat(self) -> dict[str, Any]:
        """All values under dotted names, in JSON types."""
        return flat(self.model_dump(mode="json"))


@dataclass(frozen=True, slots=True)
class Preset:
    """Parameters to start from, and a sentence that says for what."""

    title: str
    sentence: str
    parameters: HyperParameters


# The time of a training is nearly all in computing features, which depends on the image size alone; our own
# presets therefore differ in it first. 224 px costs 2.2 times 150 px and about half of 299 px.
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "quick": Preset(
            "Quick",
            "150 px: to see whether the photos are in order; about four times as fast as the best.",
            HyperParameters(image_size=150, learning_rate=0.001, epochs=20, patience=5),
        ),
        "balanced": Preset(
            "Balanced",
            "224 px: half the time of the best, and most of its accuracy.",
            HyperParameters(image_size=224, learning_rate=0.001, epochs=30, patience=8),
        ),
        "best": Preset("Best", "299 px: what the network was made for.", HyperParameters()),
        "fine_tuned": Preset(
            "Fine-tuned",
            "299 px, and the last two blocks of the network learn too: the most accurate, and about an hour "
            "on a small machine without a GPU.",
            HyperParameters(
                dropout=0.3, label_smoothing=0.1, fine_tuning=FineTuning(from_block=13, epochs=7)
            ),
        ),
        "published_10": Preset(
            "Published, 10 epochs",
            "The published study's first look: 150 px, rate 0.01, ten epochs without early stopping.",
            HyperParameters(image_size=150, learning_rate=0.01, epochs=10, patience=0),
        ),
        "published_30": Preset(
            "Published, 30 epochs",
            "The published study with dropout: 150 px, rate 0.001, thirty epochs without early stopping.",
            HyperParameters(image_size=150, learning_rate=0.001, epochs=30, patience=0),
        ),
        "published_50": Preset(
            "Published, 50 epochs",
            "The published study's final network: 299 px, rate 0.0005, fifty epochs without early stopping.",
            HyperParameters(epochs=50, patience=0),
        ),
    }
)
