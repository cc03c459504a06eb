"""Training a head: what it learns, when it stops, and that it does the same again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

from shared.errors import CancelledError, ValidationError
from shared.models.feature_space import FEATURE_COUNT
from shared.models.hyperparameters import HyperParameters
from worker.training import fit
from worker.training.course import EpochMetrics, StopReason, Trained, TrainingDivergedError, TrainingState
from worker.training.fit import Floats, build_model, head_of, train_head

Blobs = tuple[Floats, npt.NDArray[np.int64]]
QUICK = HyperParameters(hidden_units=8, epochs=4, batch_size=16, patience=0, learning_rate=0.003, dropout=0.5)


def _blobs(count: int, seed: int, spread: float = 4.0, classes: int = 3) -> Blobs:
    """Photos of `classes` kinds as clouds around points that are the same for every seed."""
    centres = np.random.default_rng(0).normal(size=(classes, FEATURE_COUNT))
    noise = np.random.default_rng(seed)
    labels = noise.integers(classes, size=count)
    return (centres[labels] + noise.normal(scale=spread, size=(count, FEATURE_COUNT))).astype(
        np.float32
    ), labels


# Six whole batches: a last batch of another size would make TensorFlow prepare itself a second time.
TRAIN, VALIDATION = _blobs(96, seed=1), _blobs(40, seed=2)


def _never() -> bool:
    return False


def _ignore(_metrics: EpochMetrics) -> None:
    pass


def _train(
    *,
    train: Blobs = TRAIN,
    validation: Blobs = VALIDATION,
    class_count: int = 3,
    on_epoch: Callable[[EpochMetrics], None] = _ignore,
    should_stop: Callable[[], bool] = _never,
    on_state: Callable[[TrainingState], None] | None = None,
    resume_from: TrainingState | None = None,
    **changes: Any,
) -> Trained:
    parameters = HyperParameters.model_validate(QUICK.model_dump() | changes)
    return train_head(
        *train,
        *validation,
        class_count,
        parameters=parameters,
        on_epoch=on_epoch,
        should_stop=should_stop,
        on_state=on_state,
        resume_from=resume_from,
    )


@pytest.fixture(scope="module")
def usual() -> Trained:
    """An ordinary training that several tests look at."""
    return _train()


def _figures(history: list[EpochMetrics]) -> list[tuple[float, ...]]:
    """Everything but the time it took."""
    return [(m.epoch, m.loss, m.accuracy, m.val_loss, m.val_accuracy) for m in history]


@pytest.mark.parametrize("hidden_units", [0, 8])
def test_a_head_learns_to_tell_clouds_apart(hidden_units: int) -> None:
    features, labels = _blobs(200, seed=3)
    trained = _train(hidden_units=hidden_units)
    right = trained.head.logits(features).argmax(axis=1) == labels
    assert right.mean() > 0.9
    assert (trained.head.hidden_kernel is None) == (hidden_units == 0)
    assert trained.head.temperature == 1.0


@pytest.mark.parametrize("hidden_units", [0, 16])
def test_the_head_answers_as_the_keras_model_does(hidden_units: int) -> None:
    model = build_model(5, HyperParameters(hidden_units=hidden_units))
    # Kernels start random but biases at 0, where a forgotten one would not show.
    model.set_weights([w if w.ndim == 2 else np.arange(len(w)) / 10 for w in model.get_weights()])
    features = np.random.default_rng(5).random((20, FEATURE_COUNT), dtype=np.float32)
    expected = keras.ops.convert_to_numpy(model(features, training=False))
    assert np.abs(expected).max() > 0.1
    assert np.abs(head_of(model).logits(features) - expected).max() < 1e-5


def test_the_same_seed_gives_the_same_head_and_history(usual: Trained) -> None:
    again = _train()
    assert again.head.digest == usual.head.digest
    assert _figures(again.history) == _figures(usual.history)


def test_another_seed_gives_another_head(usual: Trained) -> None:
    assert _train(seed=1).head.digest != usual.head.digest


def test_training_neither_reads_nor_changes_the_random_state_of_the_process() -> None:
    first = _train(epochs=1).head.digest
    keras.utils.set_random_seed(7)
    expected = random.getstate(), np.random.random()
    keras.utils.set_random_seed(7)
    second = _train(epochs=1).head.digest
    assert (random.getstate(), np.random.random()) == expected
    assert first == second


@pytest.mark.parametrize(
    "changes", [{}, {"hidden_units": 0}, {"monitor": "val_loss", "batch_size": 40}], ids=str
)
def test_a_training_resumed_after_any_epoch_gives_the_same_head_and_history(changes: dict[str, Any]) -> None:
    states: list[TrainingState] = []
    whole = _train(on_state=states.append, **changes)
    assert [len(state.history) for state in states] == [1, 2, 3, 4]
    for state in states:
        resumed = _train(resume_from=state, **changes)
        assert resumed.head.digest == whole.head.digest
        assert _figures(resumed.history) == _figures(whole.history)
        assert resumed.best_epoch == whole.best_epoch


def test_a_training_resumed_after_it_converged_trains_no_further() -> None:
    states: list[TrainingState] = []
    changes: dict[str, Any] = {
        "validation": _hard_validation(),
        "epochs": 50,
        "monitor": "val_loss",
        "patience": 2,
    }
    whole = _train(on_state=states.append, **changes)
    again: list[EpochMetrics] = []
    resumed = _train(resume_from=states[-1], on_epoch=again.append, **changes)
    assert again == []
    assert (resumed.stop_reason, resumed.head.digest) == (StopReason.CONVERGED, whole.head.digest)


def test_every_epoch_is_reported_as_it_ends() -> None:
    reported: list[EpochMetrics] = []
    trained = _train(on_epoch=reported.append)
    assert reported == trained.history
    assert [metrics.epoch for metrics in reported] == [1, 2, 3, 4]
    assert all(metrics.seconds > 0 for metrics in reported)
    assert trained.stop_reason is StopReason.BUDGET


def test_the_reported_validation_figures_are_those_of_the_head(usual: Trained) -> None:
    features, labels = VALIDATION
    reported = usual.history[usual.best_epoch - 1]
    probabilities = usual.head.probabilities(features)
    loss = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
    assert reported.val_loss == pytest.approx(loss, rel=1e-4)
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    assert reported.val_accuracy == pytest.approx(accuracy)


def test_the_reported_training_loss_is_the_mean_over_photos_even_when_the_last_batch_is_small() -> None:
    # So small a rate leaves the weights as they start: whatever the batches, the loss is that of all photos.
    whole = _train(epochs=1, batch_size=96, dropout=0, learning_rate=1e-12).history[0]
    uneven = _train(epochs=1, batch_size=80, dropout=0, learning_rate=1e-12).history[0]
    assert uneven.loss == pytest.approx(whole.loss, rel=1e-5)
    assert uneven.accuracy == pytest.approx(whole.accuracy)


def _hard_validation() -> Blobs:
    """Half of the labels are wrong, so that accuracy goes up and down while training learns by heart."""
    features, labels = _blobs(41, seed=4)
    return features, np.where(np.arange(41) % 2, labels, (labels + 1) % 3)


@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss"])
def test_the_best_epoch_is_kept_and_not_the_last(monitor: str) -> None:
    validation = _hard_validation()
    trained = _train(validation=validation, epochs=8, monitor=monitor)
    if monitor == "val_loss":
        best = min(trained.history, key=lambda m: m.val_loss)
    else:
        best = min(trained.history, key=lambda m: (-m.val_accuracy, m.val_loss))
    assert trained.best_epoch == best.epoch < 8
    features, labels = validation
    probabilities = trained.head.probabilities(features)
    loss = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
    assert best.val_loss == pytest.approx(loss, rel=1e-4)


def test_epochs_of_equal_accuracy_are_decided_by_the_loss() -> None:
    easy = _blobs(40, seed=2, spread=0.5)
    trained = _train(train=_blobs(96, seed=1, spread=0.5), validation=easy, epochs=6, learning_rate=0.001)
    accuracies = [m.val_accuracy for m in trained.history]
    assert accuracies[-3:] == [1, 1, 1]
    assert trained.best_epoch == min(trained.history, key=lambda m: m.val_loss).epoch == 6


def test_training_stops_when_it_stops_getting_better() -> None:
    trained = _train(validation=_hard_validation(), epochs=50, monitor="val_loss", patience=2)
    assert trained.stop_reason is StopReason.CONVERGED
    assert len(trained.history) == trained.best_epoch + 2 < 50


def test_validation_photos_choose_the_epoch_and_teach_nothing(usual: Trained) -> None:
    other = _train(validation=_hard_validation())
    assert [m.loss for m in other.history] == [m.loss for m in usual.history]


def test_a_cancelled_training_keeps_its_best_epoch() -> None:
    reported: list[EpochMetrics] = []
    started = time.monotonic()

    def after_one_epoch() -> bool:
        return len(reported) >= 1

    trained = _train(on_epoch=reported.append, should_stop=after_one_epoch, epochs=500, batch_size=1)
    assert trained.stop_reason is StopReason.CANCELLED
    assert trained.best_epoch <= len(trained.history) < 500
    assert time.monotonic() - started < 60


def test_cancelled_before_the_first_epoch_ended_there_is_no_head() -> None:
    with pytest.raises(CancelledError):
        _train(should_stop=lambda: True)


def test_whether_to_stop_is_asked_a_few_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[float] = []
    asked: list[float] = []

    def now() -> float:
        read.append(time.monotonic())
        return read[-1]

    def ask() -> bool:
        asked.append(read[-1])  # when asking was decided: this line itself may come late, and the next not
        return False

    monkeypatch.setattr(fit, "time", SimpleNamespace(monotonic=now))
    _train(should_stop=ask, batch_size=1)
    assert len(asked) >= 1
    assert all(later - earlier > 0.24 for earlier, later in pairwise(asked))


def test_what_the_callbacks_raise_ends_the_training() -> None:
    def lost(_metrics: EpochMetrics) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        _train(on_epoch=lost)


def test_a_loss_that_is_no_number_in_the_first_epoch_is_explained() -> None:
    # After one such step the weights are still finite; only the loss of the batch gives it away.
    features, labels = TRAIN
    with pytest.raises(TrainingDivergedError, match="Lower the learning rate"):
        _train(
            train=(features * np.float32(3e36), labels), hidden_units=0, dropout=0, batch_size=96, epochs=1
        )


def test_a_training_that_diverges_later_keeps_the_best_epoch_before() -> None:
    # At the highest rate every weight moves by about 1 a step, so these validation logits overflow soon.
    features, labels = VALIDATION
    trained = _train(
        validation=(features * np.float32(6e34), labels),
        hidden_units=0,
        learning_rate=1,
        batch_size=96,
        epochs=20,
        dropout=0,
    )
    assert trained.stop_reason is StopReason.DIVERGED
    assert 1 <= trained.best_epoch <= len(trained.history) < 20
    assert all(np.isfinite(figures).all() for figures in _figures(trained.history))


def test_label_smoothing_spreads_a_share_of_every_label_over_all_classes() -> None:
    # So small a rate leaves the weights as they start, and the loss can be computed from the head.
    trained = _train(epochs=1, dropout=0, learning_rate=1e-12, label_smoothing=0.3)
    features, labels = TRAIN
    targets = 0.7 * np.eye(3)[labels] + 0.3 / 3
    expected = -(targets * np.log(trained.head.probabilities(features))).sum(axis=1).mean()
    assert trained.history[0].loss == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("weighting", ["none", "balanced"])
def test_balanced_weights_make_every_class_count_the_same(weighting: str) -> None:
    features, labels = TRAIN
    uneven = features, np.where(np.arange(len(labels)) < 80, 0, 2)  # of class 1 there is none at all
    # So small a rate leaves the weights as they start, and the loss can be computed from the head.
    trained = _train(
        train=uneven, epochs=1, dropout=0, learning_rate=1e-12, batch_size=96, class_weighting=weighting
    )
    losses = -np.log(trained.head.probabilities(features)[np.arange(96), uneven[1]])
    expected = {"none": losses.mean(), "balanced": (losses[:80].mean() + losses[80:].mean()) / 2}
    assert expected["none"] != pytest.approx(expected["balanced"], rel=0.01)
    assert trained.history[0].loss == pytest.approx(expected[weighting], rel=1e-4)


def test_a_batch_larger_than_the_dataset_is_one_batch() -> None:
    assert len(_train(batch_size=4096).history) == 4


EMPTY: Blobs = (np.empty((0, FEATURE_COUNT), np.float32), np.empty(0, np.int64))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train": EMPTY}, "no training photos"),
        ({"validation": EMPTY}, "no validation photos"),
        ({"train": (TRAIN[0], TRAIN[1][:-1])}, "do not fit their labels"),
        ({"train": (TRAIN[0][:, :-1], TRAIN[1])}, "do not fit their labels"),
        ({"train": (TRAIN[0], TRAIN[1] + 1)}, "training labels"),
        ({"train": (TRAIN[0], TRAIN[1] - 1)}, "training labels"),
        ({"validation": (VALIDATION[0] * np.float32(np.nan), VALIDATION[1])}, "validation features"),
        ({"train": (TRAIN[0], TRAIN[1] * 0), "class_count": 1}, "at least two"),
    ],
)
def test_data_that_cannot_be_learned_from_are_refused_with_a_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        _train(**changes)
