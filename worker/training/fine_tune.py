"""The second phase of a training: the last blocks of the backbone learn with the head, at a low rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from shared.models.head import Head
from shared.models.hyperparameters import HyperParameters
from worker.network.split import SplitNetwork
from worker.training.course import Arrays, Course, EpochMetrics, StopReason, Trained, TrainingState
from worker.training.fit import (
    HeadTraining,
    Judged,
    Labels,
    build_model,
    compile_model,
    every_epoch,
    head_of,
    one_hot,
)

# Maps are a hundred times as large as features: 32 photos at 299 px take 34 MB and their activations more.
EVALUATED_AT_ONCE = 32


@dataclass(frozen=True, slots=True, eq=False)
class MappedPhotos:
    """What the trunk sees in photos, (n, ...), and their class numbers, (n,)."""

    maps: npt.NDArray[np.floating]
    labels: Labels


def fine_tune(
    network: SplitNetwork,
    first: Trained | None,
    train: MappedPhotos,
    validation: MappedPhotos,
    class_count: int,
    *,
    parameters: HyperParameters,
    on_epoch: Callable[[EpochMetrics], None],
    should_stop: Callable[[], bool],
    on_state: Callable[[TrainingState], None] | None = None,
    resume_from: TrainingState | None = None,
) -> Trained:
    """Train the tail of `network` and a head together and keep the epoch that is best on validation.

    `first` is what the first phase left; None is for going on from `resume_from`. Its epochs are told before
    those of this phase, and only those of this phase compete. Everything else is as in `train_head`.

    Raises:
        ValidationError: the labels cannot be learned.
        CancelledError: stopped before the first epoch of this phase ended.
        TrainingDivergedError: the loss stopped being a number in its first epoch.
    """
    head_model = build_model(class_count, parameters)
    if first is not None:
        head_model.set_weights(_weights(first.head))
    before = first.history if first is not None else []
    training = _Tuning(
        network,
        head_model,
        train.maps,
        one_hot("training", train.labels, class_count),
        Judged(validation.maps, one_hot("validation", validation.labels, class_count), EVALUATED_AT_ONCE),
        parameters,
        should_stop,
        resume_from.before if resume_from is not None else len(before),
    )
    course = Course(parameters, parameters.fine_tuning.epochs, before)
    return course.follow(training, on_epoch, on_state, resume_from)


class _Tuning(HeadTraining):
    """The tail of the network with the head on top."""

    def __init__(
        self,
        network: SplitNetwork,
        head_model: keras.Sequential,
        maps: npt.NDArray[np.floating],
        targets: npt.NDArray[np.float32],
        validation: Judged,
        parameters: HyperParameters,
        should_stop: Callable[[], bool],
        before: int,
    ) -> None:
        model = keras.Model(network.tail.input, head_model(network.tail.output))
        compile_model(model, parameters.fine_tuning.learning_rate, parameters)
        super().__init__(model, every_epoch(maps), targets, validation, parameters, should_stop)
        self._tuning = parameters.fine_tuning
        self._network = network
        self._head_model = head_model
        self._before = before

    def run_epoch(self, epoch: int) -> EpochMetrics | StopReason:
        """Go through the training photos once at the rate of this epoch."""
        rate = self._tuning.learning_rate * self._tuning.rate_decay ** (epoch - self._before - 1)
        self._model.optimizer.learning_rate.assign(rate)
        return super().run_epoch(epoch)

    def head(self) -> Head:
        """The head as it is now."""
        return head_of(self._head_model)

    def layers(self) -> Arrays:
        """The arrays of the tail as they are now."""
        return self._network.layers()


def _weights(head: Head) -> Sequence[npt.NDArray[np.float32]]:
    """The arrays of a head in the order of `build_model`."""
    arrays = (head.hidden_kernel, head.hidden_bias, head.logits_kernel, head.logits_bias)
    return [array for array in arrays if array is not None]
