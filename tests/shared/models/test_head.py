"""A head answers without TensorFlow and is what was registered, or nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile

import numpy as np
import pytest

from shared.errors import ChecksumError, ValidationError
from shared.models.feature_space import FEATURE_COUNT
from shared.models.head import Floats, Head


def _random(*shape: int, seed: int = 1, scale: float = 1) -> Floats:
    return np.random.default_rng(seed).normal(scale=scale, size=shape).astype(np.float32)


def _head(hidden: int = 5, classes: int = 3, temperature: float = 1.0) -> Head:
    if not hidden:
        return Head(_random(FEATURE_COUNT, classes), _random(classes), temperature=temperature)
    return Head(
        _random(hidden, classes),
        _random(classes, seed=2),
        _random(FEATURE_COUNT, hidden, seed=3),
        _random(hidden, seed=4),
        temperature,
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _npy(array: object) -> bytes:
    target = io.BytesIO()
    np.save(target, np.asarray(array), allow_pickle=True)
    return target.getvalue()


def _npz(arrays: dict[str, object], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of whatever is asked for, written by hand; bytes go in as they are."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", array if isinstance(array, bytes) else _npy(array))
    return target.getvalue()


def _usable_arrays() -> dict[str, object]:
    return {
        "logits_kernel": _random(FEATURE_COUNT, 3),
        "logits_bias": _random(3),
        "temperature": np.array(1.0),
    }


def test_the_layers_are_computed_one_after_the_other_with_a_relu_between() -> None:
    kernel = np.zeros((FEATURE_COUNT, 2), np.float32)
    kernel[0] = [1, -1]
    head = Head(
        np.array([[1, 0], [0, 1]], np.float32),
        np.array([10, 20], np.float32),
        kernel,
        np.array([0.5, 0.5], np.float32),
    )
    features = np.zeros((2, FEATURE_COUNT), np.float32)
    features[:, 0] = [3, -3]
    assert head.logits(features).tolist() == [[13.5, 20.0], [10.0, 23.5]]


def test_without_a_hidden_layer_the_logits_are_linear_in_the_features() -> None:
    head, features = _head(hidden=0), _random(4, FEATURE_COUNT)
    expected = features.astype(float) @ head.logits_kernel + head.logits_bias
    assert np.allclose(head.logits(features), expected, atol=1e-3)


def test_probabilities_sum_to_one_and_follow_the_logits() -> None:
    head, features = _head(), _random(6, FEATURE_COUNT)
    probabilities = head.probabilities(features)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == head.logits(features).argmax(axis=1)).all()


def test_enormous_logits_still_give_probabilities() -> None:
    probabilities = _head().probabilities(_random(3, FEATURE_COUNT, scale=1e30))
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_a_higher_temperature_is_less_sure_of_the_same_order() -> None:
    features = _random(5, FEATURE_COUNT, scale=0.02)
    cold, warm = (_head(temperature=t).probabilities(features) for t in (1.0, 4.0))
    assert (warm.max(axis=1) < cold.max(axis=1)).all()
    assert (warm.argsort(axis=1) == cold.argsort(axis=1)).all()


def test_the_probability_at_a_temperature_is_that_of_the_divided_logits() -> None:
    head = Head(np.zeros((FEATURE_COUNT, 2), np.float32), np.array([2, 0], np.float32), temperature=2.0)
    assert head.probabilities(_random(1, FEATURE_COUNT))[0, 0] == pytest.approx(np.e / (1 + np.e))


def test_no_photos_give_no_answers() -> None:
    assert _head().probabilities(np.empty((0, FEATURE_COUNT), np.float32)).shape == (0, 3)


@pytest.mark.parametrize("shape", [(FEATURE_COUNT,), (1, FEATURE_COUNT - 1)])
def test_features_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="2048"):
        _head().logits(_random(*shape))


@pytest.mark.parametrize("hidden", [0, 5])
def test_a_head_comes_back_from_its_bytes_unchanged(hidden: int) -> None:
    head, features = _head(hidden, temperature=1.2345678901234), _random(3, FEATURE_COUNT)
    again = Head.from_bytes(head.to_bytes(), head.digest)
    assert again.temperature == head.temperature
    assert (again.logits(features) == head.logits(features)).all()
    assert again.digest == head.digest


def test_equal_heads_have_equal_bytes_however_their_arrays_lie_in_memory() -> None:
    head = _head()
    assert head.hidden_kernel is not None
    turned = dataclasses.replace(head, hidden_kernel=np.asfortranarray(head.hidden_kernel))
    assert turned.to_bytes() == head.to_bytes()


def test_the_digest_is_that_of_the_bytes_and_stays_the_same_on_every_machine() -> None:
    head = Head(np.ones((FEATURE_COUNT, 2), np.float32), np.zeros(2, np.float32))
    assert head.digest == _sha256(head.to_bytes())
    assert head.digest == "e602faa8e953e21455815d6151e18bd9f4d964a1293605cd1994502091722331"


def test_another_temperature_is_another_head() -> None:
    assert _head(temperature=1.0).digest != _head(temperature=1.5).digest


def test_a_head_of_100_units_and_10_classes_is_under_a_megabyte() -> None:
    assert len(_head(hidden=100, classes=10).to_bytes()) < 1_000_000


def test_the_bytes_are_an_ordinary_npz_file_that_needs_no_pickle() -> None:
    head = _head()
    with np.load(io.BytesIO(head.to_bytes()), allow_pickle=False) as arrays:
        assert (arrays["logits_kernel"] == head.logits_kernel).all()


@pytest.mark.parametrize("position", [0, 700, -1])
def test_a_single_changed_byte_is_refused(position: int) -> None:
    head = _head()
    damaged = bytearray(head.to_bytes())
    damaged[position] ^= 1
    with pytest.raises(ChecksumError):
        Head.from_bytes(bytes(damaged), head.digest)


def test_bytes_that_are_no_archive_are_not_parsed_before_the_digest_is_checked() -> None:
    with pytest.raises(ChecksumError):
        Head.from_bytes(b"not a head", "0" * 64)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not an archive", id="garbage"),
        pytest.param(_npz({}), id="no arrays"),
        pytest.param(_npz(_usable_arrays() | {"more": 1}), id="an extra array"),
        pytest.param(_npz(_usable_arrays(), zipfile.ZIP_DEFLATED), id="compressed"),
        pytest.param(_npz(_usable_arrays() | {"logits_bias": np.zeros(3)}), id="float64"),
        pytest.param(_npz(_usable_arrays() | {"logits_bias": np.array([print], dtype=object)}), id="pickled"),
        pytest.param(_npz(_usable_arrays() | {"temperature": np.ones(2)}), id="two temperatures"),
        pytest.param(
            _npz(_usable_arrays() | {"logits_kernel": np.asfortranarray(_random(FEATURE_COUNT, 3))}),
            id="columns first",
        ),
        pytest.param(_npz(_usable_arrays())[:-60], id="cut"),
        pytest.param(_npz(_usable_arrays()).replace(b"(2048, 3)", b"(2048, 4)"), id="damaged before"),
        pytest.param(
            _npz(_usable_arrays() | {"logits_bias": _npy(_random(3)).replace(b"(3,)", b"(9,)")}),
            id="promises more",
        ),
        pytest.param(_npz(_usable_arrays() | {"logits_bias": b"not npy"}), id="no array"),
    ],
)
def test_registered_bytes_that_hold_no_head_are_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(ValidationError):
        Head.from_bytes(data, _sha256(data))


def test_an_archive_of_usable_arrays_is_accepted() -> None:
    data = _npz(_usable_arrays())
    assert Head.from_bytes(data, _sha256(data)).class_count == 3


def _with(**changes: object) -> Head:
    return dataclasses.replace(_head(), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_bias": None},
        {"hidden_kernel": None},
        {"hidden_kernel": None, "hidden_bias": None},
        {"logits_bias": _random(4)},
        {"logits_bias": _random(3).astype(np.float64)},
        {"logits_bias": np.array([0, np.nan, 0], np.float32)},
        {"hidden_kernel": np.full((FEATURE_COUNT, 5), np.inf, np.float32)},
        {"hidden_kernel": _random(5, FEATURE_COUNT)},
        {"logits_kernel": _random(5, 1), "logits_bias": _random(1)},
        {"temperature": 0.0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
    ],
)
def test_arrays_that_make_no_head_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _with(**changes)
