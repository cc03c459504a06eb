"""One object says what a training may be asked for."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from pydantic import ValidationError as InvalidFieldError

from shared.models.hyperparameters import PRESETS, Augmentation, HyperParameters
from shared.models.parameter_fields import ParametersError, fields_of

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
    ("precision", "full"),
    ("precision", "int8"),
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
    ("precision", "bf16"),
    ("precision", True),
    ("class_weighting", "some"),
    ("seed", -1),
    ("seed", 2**31),
    ("patience", -1),
    ("monitor", "test_accuracy"),
    ("optimizer", "adam"),
    ("augmentation.mode", "some"),
    ("augmentation.views", 0),
    ("augmentation.views", 21),
    ("augmentation.rotation", -1),
    ("augmentation.width_shift", 0.51),
    ("augmentation.zoom", True),
    ("augmentation.horizontal_flip", "perhaps"),
    ("augmentation.fill", "green"),
    ("fine_tuning.from_block", 15),
    ("fine_tuning.learning_rate", 0),
    ("fine_tuning.rate_decay", 1.1),
]


@pytest.mark.parametrize(("field", "value"), JUST_ALLOWED)
def test_the_ends_of_every_range_are_allowed(field: str, value: Any) -> None:
    assert getattr(HyperParameters.model_validate({field: value}), field) == value


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_what_lies_outside_is_refused_with_one_sentence_beside_its_field(field: str, value: Any) -> None:
    with pytest.raises(ParametersError) as caught:
        HyperParameters.from_values({field: value})
    assert [item["field"] for item in caught.value.fields] == [field]
    sentence = caught.value.fields[0]["message"]
    assert re.fullmatch(r"[A-Z].*[.?]", sentence)
    assert "Input should" not in sentence


def test_a_refused_number_is_answered_with_the_range_that_is_allowed() -> None:
    with pytest.raises(ParametersError) as caught:
        HyperParameters.from_values({"image_size": 20, "learning_rate": "much", "dropout": 1})
    assert [item["message"] for item in caught.value.fields] == [
        "Image size (pixels) must be a whole number from 71 up to 1024.",
        "Learning rate must be a number above 0 up to 1.",
        "Dropout must be a number from 0 below 1.",
    ]


def test_a_misspelt_name_is_answered_with_the_right_one() -> None:
    with pytest.raises(ParametersError, match="Did you mean learning_rate"):
        HyperParameters.from_values({"learning_rat": 0.1})


def test_a_part_given_as_one_value_is_refused() -> None:
    with pytest.raises(ParametersError, match="several values"):
        HyperParameters.from_values({"augmentation": "views"})


def test_fine_tuning_takes_no_augmented_photos() -> None:
    with pytest.raises(ParametersError, match="as they are") as caught:
        HyperParameters.from_values({"fine_tuning.from_block": 13, "augmentation.mode": "views"})
    assert caught.value.fields[0]["field"] == "fine_tuning.from_block"


def test_values_from_a_web_form_arrive_as_text() -> None:
    parameters = HyperParameters.model_validate({"image_size": "150", "learning_rate": "0.01"})
    assert (parameters.image_size, parameters.learning_rate) == (150, 0.01)


def test_values_may_come_nested_or_under_dotted_names() -> None:
    dotted = HyperParameters.from_values({"augmentation.mode": "views", "augmentation.zoom": "0.3"})
    assert dotted == HyperParameters.from_values({"augmentation": {"mode": "views", "zoom": 0.3}})
    assert HyperParameters.from_values(dotted.flat()) == dotted
    assert dotted.flat()["augmentation.zoom"] == 0.3


def test_parameters_cannot_be_changed_afterwards() -> None:
    with pytest.raises(InvalidFieldError):
        HyperParameters().epochs = 3  # type: ignore[misc]


def test_parameters_survive_being_stored_as_json() -> None:
    parameters = HyperParameters(
        learning_rate=0.1 + 0.2, class_weighting="balanced", augmentation=Augmentation(mode="exact")
    )
    assert HyperParameters.model_validate(parameters.model_dump(mode="json")) == parameters


def test_our_presets_differ_in_image_size_first() -> None:
    sizes = [PRESETS[name].parameters.image_size for name in ("quick", "balanced", "best")]
    assert sizes == [150, 224, 299]


def test_every_preset_says_what_it_is_for() -> None:
    assert all(preset.title and preset.sentence.endswith(".") for preset in PRESETS.values())


def test_the_published_recipes_are_there_as_published() -> None:
    recipes = [PRESETS[f"published_{epochs}"].parameters for epochs in (10, 30, 50)]
    assert [(r.learning_rate, r.epochs) for r in recipes] == [(0.01, 10), (0.001, 30), (0.0005, 50)]
    assert {(r.hidden_units, r.dropout, r.patience) for r in recipes} == {(100, 0.2, 0)}


def test_a_preset_can_be_changed_in_single_values() -> None:
    parameters = HyperParameters.from_preset("quick", dropout=0.5)
    assert parameters == PRESETS["quick"].parameters.model_copy(update={"dropout": 0.5})


def test_a_change_inside_a_part_keeps_the_rest_of_the_preset() -> None:
    tuning = HyperParameters.from_preset("fine_tuned", **{"fine_tuning.epochs": 2}).fine_tuning
    assert (tuning.from_block, tuning.epochs) == (13, 2)


def test_a_change_to_a_preset_is_checked_like_any_other_value() -> None:
    with pytest.raises(ParametersError):
        HyperParameters.from_preset("quick", dropout=1.5)


def test_an_override_called_like_an_argument_is_just_an_unknown_field() -> None:
    with pytest.raises(ParametersError):
        HyperParameters.from_preset("quick", name="best")


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(ParametersError, match="quick, balanced, best"):
        HyperParameters.from_preset("fast")


def test_every_field_brings_all_that_a_form_needs() -> None:
    for field in fields_of(HyperParameters):
        assert field.title
        assert field.group
        assert field.description.endswith(".")
        assert (field.low is None) == (field.high is None) == (field.kind in ("choice", "switch"))
        assert bool(field.choices) == (field.kind == "choice")
        assert HyperParameters().flat()[field.name] == field.default


def test_fine_tuning_learns_in_full_precision() -> None:
    with pytest.raises(ParametersError, match="Fine-tuning works in full precision"):
        HyperParameters.from_values({"precision": "int8", "fine_tuning.from_block": 13})
    assert HyperParameters.from_values({"precision": "int8"}).precision == "int8"
