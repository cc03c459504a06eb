"""Training a head on features that were computed before."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from shared.errors import CancelledError, PermanentError, ValidationError
from shared.models.feature_space import FEATURE_COUNT
from shared.models.head import Head
from shared.models.hyperparameters import HyperParameters

# Asking may cost a query; a person who cancels does not notice a quarter of a second.
SECONDS_BETWEEN_STOP_CHECKS = 0.25
# Validation photos scored at once: bounds memory, not results.
EVALUATED_AT_ONCE = 1024

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.integer]


class StopReason(StrEnum):
    """Why a training ended."""

    COMPLETED = "completed"  # all epochs ran
    CONVERGED = "converged"  # `patience` epochs brought nothing better
    CANCELLED = "cancelled"  # somebody asked it to stop
    DIVERGED = "diverged"  # the loss stopped being a number


class TrainingDivergedError(PermanentError):
    """The loss stopped being a number in the first epoch. Lower the learning rate and train again."""

    code = "training_diverged"


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """The figures of one epoch, numbered from 1.

    `loss` and `accuracy` are means over the training batches as they went by, with dropout on and, for the
    loss, with class weights; `val_loss` and `val_accuracy` are measured afterwards, without either. Label
    smoothing counts in both losses.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainedHead:
    """What a training leaves: the head of its best epoch, still at temperature 1, and how it got there."""

    head: Head
    history: list[EpochMetrics]
    best_epoch: int
    stop_reason: StopReason


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """A training after its last epoch: with this it goes on as if it had never stopped.

    `variables` are those of model and optimizer in Keras' order, dropout's random state among them; the
    order of the photos needs no state, because seed and epoch decide it.
    """

    variables: tuple[npt.NDArray[Any], ...]
    history: tuple[EpochMetrics, ...]
    best_epoch: int
    best_head: Head


@dataclass(frozen=True, slots=True)
class _Data:
    features: Floats
    targets: Floats  # (n, classes), one 1 per row


def train_head(
    features_train: Floats,
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
) -> TrainedHead:
    """Train a head on frozen features and keep the epoch that is best on the validation photos.

    Features are (n, 2048) float32, labels (n,) class numbers from 0 to `class_count` - 1. Validation photos
    only choose the epoch. The same arguments give the same head on the same kind of processor; no global
    random state is read or changed. `on_epoch` is called after each epoch, then `on_state` with what
    `resume_from` takes to go on there, to the same head in every bit; `should_stop` between batches,
    a few times a second at most. What any of them raises ends the training and is passed on.

    Each call leaves about 8 MB behind: TensorFlow (2.21) never forgets the graph of a trained model. Renew
    a process that trains hundreds of heads in between.

    Raises:
        ValidationError: the arrays do not fit each other or cannot be learned from.
        CancelledError: stopped before the first epoch ended, so there is no head.
        TrainingDivergedError: the loss stopped being a number in the first epoch.
    """
    training = _HeadTraining(
        _data("training", features_train, labels_train, class_count),
        _data("validation", features_validation, labels_validation, class_count),
        parameters,
        should_stop,
    )
    course = _Course(parameters)
    if resume_from is not None:
        training.restore(resume_from.variables)
        course.restore(resume_from)
    while (reason := course.reason_to_end()) is None:
        outcome = training.run_epoch(len(course.history) + 1)
        if isinstance(outcome, StopReason):
            reason = outcome
            break
        course.add(outcome, training)
        on_epoch(outcome)
        if on_state is not None:
            on_state(course.state(training))
    return course.result(reason)


class _Course:
    """The epochs so far, and the best of them with its head."""

    def __init__(self, parameters: HyperParameters) -> None:
        self._parameters = parameters
        self.history: list[EpochMetrics] = []
        self._best: tuple[EpochMetrics, Head] | None = None

    def restore(self, state: TrainingState) -> None:
        """Take over the epochs of an earlier attempt."""
        self.history = list(state.history)
        self._best = self.history[state.best_epoch - 1], state.best_head

    def reason_to_end(self) -> StopReason | None:
        """Why no further epoch is needed, if so."""
        patience = self._parameters.patience
        if self._best is not None and patience and len(self.history) - self._best[0].epoch >= patience:
            return StopReason.CONVERGED
        return StopReason.COMPLETED if len(self.history) >= self._parameters.epochs else None

    def add(self, metrics: EpochMetrics, training: _HeadTraining) -> None:
        """Note an epoch that has just ended."""
        self.history.append(metrics)
        if self._best is None or _rank(metrics, self._parameters) > _rank(self._best[0], self._parameters):
            self._best = metrics, training.head()

    def state(self, training: _HeadTraining) -> TrainingState:
        """Everything that is needed to go on from here."""
        assert self._best is not None  # noqa: S101 - the first epoch is the best until a better one comes
        metrics, head = self._best
        return TrainingState(training.variables(), tuple(self.history), metrics.epoch, head)

    def result(self, reason: StopReason) -> TrainedHead:
        """The best head, or the error of a training that has none."""
        if self._best is None:
            raise CancelledError() if reason is StopReason.CANCELLED else TrainingDivergedError()
        return TrainedHead(self._best[1], self.history, self._best[0].epoch, reason)


class _HeadTraining:
    """A Keras model, the data it learns from and the position in them."""

    def __init__(
        self,
        train: _Data,
        validation: _Data,
        parameters: HyperParameters,
        should_stop: Callable[[], bool],
    ) -> None:
        self._train = train
        self._validation = validation
        self._parameters = parameters
        self._should_stop = _seldom(should_stop)
        self._weights = _photo_weights(train.targets, parameters)
        self._model = build_model(train.targets.shape[1], parameters)

    def run_epoch(self, epoch: int) -> EpochMetrics | StopReason:
        """Go through the training photos once; the reason when it had to end before."""
        started = time.monotonic()
        sums = np.zeros(2)
        for rows in self._batches(epoch):
            if self._should_stop():
                return StopReason.CANCELLED
            sums += len(rows) * self._learn(rows)
            if not np.isfinite(sums).all():
                return StopReason.DIVERGED
        loss, accuracy = sums / len(self._train.features)
        val_loss, val_accuracy = self._validate()
        if not math.isfinite(val_loss):
            return StopReason.DIVERGED
        seconds = time.monotonic() - started
        return EpochMetrics(epoch, float(loss), float(accuracy), val_loss, val_accuracy, seconds)

    def head(self) -> Head:
        """The weights as they are now."""
        return head_of(self._model)

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

    def _batches(self, epoch: int) -> Iterator[npt.NDArray[np.intp]]:
        """Row numbers, shuffled by seed and epoch alone, so that an epoch can be repeated by itself."""
        order = np.random.default_rng([self._parameters.seed, epoch]).permutation(len(self._train.features))
        size = self._parameters.batch_size
        return (order[start : start + size] for start in range(0, len(order), size))

    def _learn(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """One step; loss and accuracy of its batch."""
        figures = self._model.train_on_batch(
            self._train.features[rows], self._train.targets[rows], sample_weight=self._weights[rows]
        )
        return np.array(figures, dtype=np.float64)

    def _validate(self) -> tuple[float, float]:
        """Loss and accuracy on the validation photos."""
        data = self._validation
        loss, accuracy = self._model.evaluate(
            data.features, data.targets, batch_size=EVALUATED_AT_ONCE, verbose=0
        )
        return float(loss), float(accuracy)


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
    model.compile(
        optimizer=keras.optimizers.Adam(parameters.learning_rate),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=parameters.label_smoothing
        ),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        jit_compile=False,  # measured: compiling two dense layers takes longer than it saves
    )
    return model


def head_of(model: keras.Sequential) -> Head:
    """The weights of a model from `build_model`, as they are now, as a head at temperature 1."""
    arrays = [np.array(weights, dtype=np.float32) for weights in model.get_weights()]
    hidden_kernel, hidden_bias = arrays[:-2] or (None, None)
    return Head(arrays[-2], arrays[-1], hidden_kernel, hidden_bias)


def _dense(units: int, activation: str | None, seed: int) -> keras.layers.Layer:
    start = keras.initializers.GlorotUniform(seed=seed)
    return keras.layers.Dense(units, activation=activation, kernel_initializer=start, dtype="float32")


def _rank(metrics: EpochMetrics, parameters: HyperParameters) -> tuple[float, float]:
    """Higher is better. Equal accuracy, common on few photos, is decided by the loss."""
    if parameters.monitor == "val_loss":
        return -metrics.val_loss, 0.0
    return metrics.val_accuracy, -metrics.val_loss


def _photo_weights(targets: Floats, parameters: HyperParameters) -> Floats:
    """(n,) factors on the loss, 1 on average. `balanced` gives every class that occurs the same sum."""
    if parameters.class_weighting == "none":
        return np.ones(len(targets), dtype=np.float32)
    counts = targets.sum(axis=0)
    share = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.asarray(targets @ share, dtype=np.float32)


def _data(split: str, features: Floats, labels: Labels, class_count: int) -> _Data:
    """Features with one-hot targets, or a sentence about why they cannot be used."""
    if not len(features):
        raise ValidationError(f"There are no {split} photos. Add some to the dataset, then train again.")
    if features.shape != (len(labels), FEATURE_COUNT) or labels.ndim != 1:
        raise ValidationError(
            f"The {split} features {features.shape} do not fit their labels {labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= class_count or class_count < 2:
        raise ValidationError(
            f"The {split} labels must be numbers of {class_count} classes, of at least two."
        )
    if not np.isfinite(features).all():
        raise ValidationError(f"Some {split} features are not finite numbers. Extract them again.")
    return _Data(features, np.eye(class_count, dtype=np.float32)[labels])


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
