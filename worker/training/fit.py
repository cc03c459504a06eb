"""Training a head on features that were computed before."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from shared.errors import ValidationError
from shared.models.feature_space import FEATURE_COUNT
from shared.models.head import Head
from shared.models.hyperparameters import HyperParameters
from worker.training.course import Arrays, Course, EpochMetrics, StopReason, Trained, TrainingState

# Asking may cost a query; a person who cancels does not notice a quarter of a second.
SECONDS_BETWEEN_STOP_CHECKS = 0.25
# Validation photos scored at once: bounds memory, not results.
EVALUATED_AT_ONCE = 1024
# Photos whose steps of a head run as one call of the compiled function, without Python in between: it took
# more time than the steps. Those of the widest head take less than a second, and then stops are looked at.
PHOTOS_PER_CALL = 1024
# Inputs handed to Keras at once, in bytes: a training set of features is one block, maps come batch by batch.
BLOCK_BYTES = 64 * 1024 * 1024

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.integer]
# What the network learns from in an epoch, numbered from 1: (n, ...), the same photos in the same order.
EpochInputs = Callable[[int], npt.NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class Judged:
    """Photos to be judged on: what the model takes, (n, ...), and (n, classes) targets, one 1 per row."""

    inputs: npt.NDArray[np.floating]
    targets: Floats
    at_once: int = EVALUATED_AT_ONCE


def train_head(
    features_train: Floats | EpochInputs,
    labels_train: Labels,
    features_validation: Floats,
    labels_validation: Labels,
    class_count: int,
    *,
    parameters: HyperParameters,
    on_epoch: Callable[[EpochMetrics], None],
    should_stop: Callable[[], bool],
    on_state: Callable[[TrainingState], None] | None = None,
    resume_from: TrainingState | None = None,
) -> Trained:
    """Train a head on frozen features and keep the epoch that is best on the validation photos.

    Features are (n, 2048) float32, or for training a function that gives those of an epoch; labels (n,)
    class numbers from 0 to `class_count` - 1. Validation photos only choose the epoch. The same arguments
    give the same head on the same kind of processor; no global random state is read or changed. `on_epoch` is
    called after each epoch, then `on_state` with what `resume_from` takes to go on there, to the same head in
    every bit; `should_stop` while it goes on, a few times a second at most. What any of them raises ends the
    training and is passed on.

    Each call leaves about 8 MB behind: TensorFlow (2.21) never forgets the graph of a trained model. Renew
    a process that trains hundreds of heads in between.

    Raises:
        ValidationError: the arrays do not fit each other or cannot be learned from.
        CancelledError: stopped before the first epoch ended, so there is no head.
        TrainingDivergedError: the loss stopped being a number in the first epoch.
    """
    targets = one_hot("training", labels_train, class_count)
    judged = one_hot("validation", labels_validation, class_count)
    _check_features("validation", features_validation, labels_validation)
    if callable(features_train):
        inputs = features_train
    else:
        _check_features("training", features_train, labels_train)
        inputs = every_epoch(features_train)
    model = build_model(class_count, parameters)
    training = HeadTraining(
        model, inputs, targets, Judged(features_validation, judged), parameters, should_stop
    )
    return Course(parameters, parameters.epochs).follow(training, on_epoch, on_state, resume_from)


def every_epoch(inputs: npt.NDArray[np.floating]) -> EpochInputs:
    """The same inputs in each epoch."""
    return lambda _epoch: inputs


class HeadTraining:
    """A compiled Keras model, the data it learns from and the position in them."""

    def __init__(
        self,
        model: keras.Model,
        inputs: EpochInputs,
        targets: Floats,
        validation: Judged,
        parameters: HyperParameters,
        should_stop: Callable[[], bool],
    ) -> None:
        self._model = model
        self._inputs = inputs
        self._targets = targets
        self._validation = validation
        self._parameters = parameters
        self._should_stop = _seldom(should_stop)
        self._weights = _photo_weights(targets, parameters)

    def run_epoch(self, epoch: int) -> EpochMetrics | StopReason:
        """Go through the training photos once; the reason when it had to end before."""
        started = time.monotonic()
        inputs = self._inputs(epoch)
        sums = np.zeros(2)
        for rows in self._blocks(epoch, inputs):
            figures = self._learn(inputs, rows)
            if isinstance(figures, StopReason):
                return figures
            sums += len(rows) * figures
        loss, accuracy = sums / len(self._targets)
        val_loss, val_accuracy = self._validate()
        if not math.isfinite(val_loss):
            return StopReason.DIVERGED
        seconds = time.monotonic() - started
        return EpochMetrics(epoch, float(loss), float(accuracy), val_loss, val_accuracy, seconds)

    def head(self) -> Head:
        """The weights as they are now."""
        return head_of(self._model)

    def layers(self) -> Arrays:
        """None: the backbone is frozen."""
        return ()

    def variables(self) -> tuple[npt.NDArray[Any], ...]:
        """Copies of all that changes from step to step, in the order `restore` takes them."""
        return tuple(np.array(variable.numpy()) for variable in self._variables())

    def restore(self, values: Sequence[npt.NDArray[Any]]) -> None:
        """Put back what `variables` gave."""
        for variable, value in zip(self._variables(), values, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        """Weights, dropout's random state, steps so far, Adam's running means."""
        optimizer = self._model.optimizer
        if not optimizer.built:
            optimizer.build(self._model.trainable_variables)
        return [*self._model.variables, *optimizer.variables]

    def _blocks(self, epoch: int, inputs: npt.NDArray[np.floating]) -> Iterator[npt.NDArray[np.intp]]:
        """Row numbers of whole batches that fit into memory together.

        They are shuffled by seed and epoch alone, so that an epoch can be repeated by itself.
        """
        order = np.random.default_rng([self._parameters.seed, epoch]).permutation(len(self._targets))
        batch = self._parameters.batch_size
        bytes_of_batch = batch * math.prod(inputs.shape[1:]) * np.dtype(np.float32).itemsize
        size = batch * max(1, BLOCK_BYTES // bytes_of_batch)
        return (order[start : start + size] for start in range(0, len(order), size))

    def _learn(
        self, inputs: npt.NDArray[np.floating], rows: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.float64] | StopReason:
        """Learn from these photos batch by batch; their mean loss and accuracy, or why it had to end."""
        if self._should_stop():
            return StopReason.CANCELLED
        block = inputs[rows].astype(np.float32), self._targets[rows], self._weights[rows]
        batches = tf.data.Dataset.from_tensor_slices(block).batch(self._parameters.batch_size)
        watch = _Watch(self._should_stop)
        told = self._model.fit(batches, shuffle=False, verbose=0, callbacks=[watch]).history
        return watch.reason or np.array([told["loss"][-1], told["accuracy"][-1]], dtype=np.float64)

    def _validate(self) -> tuple[float, float]:
        """Loss and accuracy on the validation photos."""
        data, sums = self._validation, np.zeros(2)
        for start in range(0, len(data.targets), data.at_once):
            part = slice(start, start + data.at_once)
            targets = data.targets[part]
            figures = self._model.test_on_batch(data.inputs[part].astype(np.float32), targets)
            sums += len(targets) * np.array(figures, dtype=np.float64)
        loss, accuracy = sums / len(data.targets)
        return float(loss), float(accuracy)


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Looks up after each call of the compiled function. `reason` is why the epoch had to end, if it had."""

    def __init__(self, should_stop: Callable[[], bool]) -> None:
        super().__init__()
        self._should_stop = should_stop
        self.reason: StopReason | None = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """`logs` are means since the epoch began: what was no number once stays none."""
        if not all(map(math.isfinite, (logs or {}).values())):
            self.reason = StopReason.DIVERGED
        elif self._should_stop():
            self.reason = StopReason.CANCELLED
        self.model.stop_training = self.reason is not None


def build_model(class_count: int, parameters: HyperParameters) -> keras.Sequential:
    """The head as a compiled Keras model from (n, 2048) to logits, float32 whatever the global policy says.

    All randomness comes from the seed in `parameters`.
    """
    seed, layers = parameters.seed, [keras.Input((FEATURE_COUNT,), dtype="float32")]
    if parameters.hidden_units:
        layers.append(_dense(parameters.hidden_units, "relu", seed))
    # Neighbouring seeds would do as well; the two kernels only must not start alike.
    layers.append(keras.layers.Dropout(parameters.dropout, seed=seed + 1, dtype="float32"))
    layers.append(_dense(class_count, None, seed + 2))
    model = keras.Sequential(layers)
    steps = max(1, PHOTOS_PER_CALL // parameters.batch_size)
    compile_model(model, parameters.learning_rate, parameters, steps)
    return model


def compile_model(
    model: keras.Model, learning_rate: float, parameters: HyperParameters, steps_per_call: int = 1
) -> None:
    """Optimizer, loss and accuracy, the same for every phase."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=parameters.label_smoothing
        ),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        steps_per_execution=steps_per_call,
        jit_compile=False,  # measured: compiling two dense layers takes longer than it saves
    )


def head_of(model: keras.Sequential) -> Head:
    """The weights of a model from `build_model`, as they are now, as a head at temperature 1."""
    arrays = [np.array(weights, dtype=np.float32) for weights in model.get_weights()]
    hidden_kernel, hidden_bias = arrays[:-2] or (None, None)
    return Head(arrays[-2], arrays[-1], hidden_kernel, hidden_bias)


def _dense(units: int, activation: str | None, seed: int) -> keras.layers.Layer:
    start = keras.initializers.GlorotUniform(seed=seed)
    return keras.layers.Dense(units, activation=activation, kernel_initializer=start, dtype="float32")


def _photo_weights(targets: Floats, parameters: HyperParameters) -> Floats:
    """(n,) factors on the loss, 1 on average. `balanced` gives every class that occurs the same sum."""
    if parameters.class_weighting == "none":
        return np.ones(len(targets), dtype=np.float32)
    counts = targets.sum(axis=0)
    share = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.asarray(targets @ share, dtype=np.float32)


def one_hot(split: str, labels: Labels, class_count: int) -> Floats:
    """(n, classes) targets, or a sentence about why these labels cannot be learned.

    Raises:
        ValidationError: there are none, or they are not numbers of at least two classes.
    """
    if not len(labels):
        raise ValidationError(f"There are no {split} photos. Add some to the dataset, then train again.")
    if labels.ndim != 1 or labels.min() < 0 or labels.max() >= class_count or class_count < 2:
        raise ValidationError(
            f"The {split} labels must be numbers of {class_count} classes, of at least two."
        )
    return np.eye(class_count, dtype=np.float32)[labels]


def _check_features(split: str, features: Floats, labels: Labels) -> None:
    if features.shape != (len(labels), FEATURE_COUNT):
        raise ValidationError(
            f"The {split} features {features.shape} do not fit their labels {labels.shape}."
        )
    if not np.isfinite(features).all():
        raise ValidationError(f"Some {split} features are not finite numbers. Extract them again.")


def _seldom(question: Callable[[], bool]) -> Callable[[], bool]:
    """The same question, asked at once and then a few times a second at most; in between the answer is no."""
    next_at = -math.inf

    def ask() -> bool:
        nonlocal next_at
        now = time.monotonic()
        if now < next_at:
            return False
        next_at = now + SECONDS_BETWEEN_STOP_CHECKS
        return question()

    return ask
