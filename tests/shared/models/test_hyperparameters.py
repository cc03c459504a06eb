"""One object says what a training may be asked for."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError as InvalidFieldError

from shared.errors import ValidationError
from shared.models.hyperparameters import PRESETS, HyperParameters

JUST_ALLOWED = [
    ("image_size", 71),
    ("image_size", 1024),
    ("learning_rate", 1e-9),
    ("learning_rate", 1.0),
    ("hidden_units", 0),
    ("hidden_units", 4096),
    ("dropout", 0.0),
    ("dropout", 0.999),
    ("epochs", 1),
    ("epochs", 500),
    ("batch_size", 1),
    ("batch_size", 4096),
    ("label_smoothing", 0.0),
    ("label_smoothing", 0.499),
    ("class_weighting", "none"),
    ("class_weighting", "balanced"),
    ("seed", 0),
    ("seed", 2**31 - 1),
    ("patience", 0),
    ("monitor", "val_accuracy"),
    ("monitor", "val_loss"),
]
REFUSED = [
    ("image_size", 70),
    ("image_size", 1025),
    ("image_size", 299.5),
    ("learning_rate", 0),
    ("learning_rate", 1.001),
    ("learning_rate", math.nan),
    ("learning_rate", math.inf),
    ("learning_rate", "nan"),
    ("hidden_units", -1),
    ("hidden_units", 4097),
    ("dropout", -0.1),
    ("dropout", 1.0),
    ("dropout", math.nan),
    ("epochs", 0),
    ("epochs", 501),
    ("epochs", True),
    ("epochs", None),
    ("batch_size", 0),
    ("batch_size", 4097),
    ("label_smoothing", 0.5),
    ("label_smoothing", -0.01),
    ("class_weighting", "some"),
    ("seed", -1),
    ("seed", 2**31),
    ("patience", -1),
    ("monitor", "test_accuracy"),
    ("optimizer", "adam"),
]


@pytest.mark.parametrize(("field", "value"), JUST_ALLOWED)
def test_the_ends_of_every_range_are_allowed(field: str, value: Any) -> None:
    assert getattr(HyperParameters.model_validate({field: value}), field) == value


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_what_lies_outside_is_refused_and_its_field_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        HyperParameters.model_validate({field: value})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_values_from_a_web_form_arrive_as_text() -> None:
    parameters = HyperParameters.model_validate({"image_size": "150", "learning_rate": "0.01"})
    assert (parameters.image_size, parameters.learning_rate) == (150, 0.01)


def test_parameters_cannot_be_changed_afterwards() -> None:
    with pytest.raises(InvalidFieldError):
        HyperParameters().epochs = 3  # type: ignore[misc]


def test_parameters_survive_being_stored_as_json() -> None:
    parameters = HyperParameters(learning_rate=0.1 + 0.2, class_weighting="balanced")
    assert HyperParameters.model_validate(parameters.model_dump(mode="json")) == parameters


def test_the_presets_differ_in_image_size_first() -> None:
    assert [(name, preset.image_size) for name, preset in PRESETS.items()] == [
        ("quick", 150),
        ("balanced", 224),
        ("best", 299),
    ]


def test_a_preset_can_be_changed_in_single_values() -> None:
    parameters = HyperParameters.from_preset("quick", dropout=0.5)
    assert parameters == PRESETS["quick"].model_copy(update={"dropout": 0.5})


def test_a_change_to_a_preset_is_checked_like_any_other_value() -> None:
    with pytest.raises(InvalidFieldError):
        HyperParameters.from_preset("quick", dropout=1.5)


def test_an_override_called_like_an_argument_is_just_an_unknown_field() -> None:
    with pytest.raises(InvalidFieldError):
        HyperParameters.from_preset("quick", name="best")


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="quick, balanced, best"):
        HyperParameters.from_preset("fast")


def test_every_field_brings_its_label_and_hint() -> None:
    fields = HyperParameters.model_fields.values()
    assert all(field.title and field.description and field.description.endswith(".") for field in fields)
