"""The course of a training: epoch after epoch, which of them was the best, and why it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from shared.errors import CancelledError, PermanentError
from shared.models.head import Head
from shared.models.hyperparameters import HyperParameters

Arrays = tuple[npt.NDArray[np.float32], ...]


class StopReason(StrEnum):
    """Why a training ended."""

    BUDGET = "budget"  # all epochs ran
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
class Trained:
    """What a training leaves: the head of its best epoch, still at temperature 1, and how it got there.

    `layers` are the arrays of the backbone's last blocks as fine-tuning left them in that epoch; empty where
    only the head was trained.
    """

    head: Head
    history: list[EpochMetrics]
    best_epoch: int
    stop_reason: StopReason
    layers: Arrays = ()


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
    best_layers: Arrays = ()
    before: int = 0  # epochs of the phase before, which `history` tells as well


class Learner(Protocol):
    """Something that can be trained epoch by epoch."""

    def run_epoch(self, epoch: int) -> EpochMetrics | StopReason:
        """Go through the training photos once; the reason when it had to end before."""

    def head(self) -> Head:
        """The head as it is now."""

    def layers(self) -> Arrays:
        """The fine-tuned arrays as they are now; empty where the backbone is frozen."""

    def variables(self) -> tuple[npt.NDArray[Any], ...]:
        """Copies of all that changes from step to step, in the order `restore` takes them."""

    def restore(self, values: Sequence[npt.NDArray[Any]]) -> None:
        """Put back what `variables` gave."""


class Course:
    """The epochs so far, and the best of them with its weights.

    `before` are epochs of an earlier phase: they are told with the others, but none of them is the best.
    """

    def __init__(self, parameters: HyperParameters, epochs: int, before: Sequence[EpochMetrics] = ()) -> None:
        self._parameters = parameters
        self._before, self._epochs = len(before), epochs
        self.history: list[EpochMetrics] = list(before)
        self._best: tuple[EpochMetrics, Head, Arrays] | None = None

    def follow(
        self,
        learner: Learner,
        on_epoch: Callable[[EpochMetrics], None],
        on_state: Callable[[TrainingState], None] | None = None,
        resume_from: TrainingState | None = None,
    ) -> Trained:
        """Train to the end. `on_epoch` is called after each epoch, then `on_state`; both may raise.

        Raises:
            CancelledError: stopped before the first epoch ended, so there is nothing to keep.
            TrainingDivergedError: the loss stopped being a number in the first epoch.
        """
        if resume_from is not None:
            learner.restore(resume_from.variables)
            self._restore(resume_from)
        while (reason := self._reason_to_end()) is None:
            outcome = learner.run_epoch(len(self.history) + 1)
            if isinstance(outcome, StopReason):
                reason = outcome
                break
            self._add(outcome, learner)
            on_epoch(outcome)
            if on_state is not None:
                on_state(self._state(learner))
        return self._result(reason)

    def _restore(self, state: TrainingState) -> None:
        self.history, self._before = list(state.history), state.before
        self._best = self.history[state.best_epoch - 1], state.best_head, state.best_layers

    def _reason_to_end(self) -> StopReason | None:
        """Why no further epoch is needed, if so."""
        patience = self._parameters.patience
        if self._best is not None and patience and len(self.history) - self._best[0].epoch >= patience:
            return StopReason.CONVERGED
        return StopReason.BUDGET if len(self.history) >= self._before + self._epochs else None

    def _add(self, metrics: EpochMetrics, learner: Learner) -> None:
        self.history.append(metrics)
        if self._best is None or rank(metrics, self._parameters) > rank(self._best[0], self._parameters):
            self._best = metrics, learner.head(), learner.layers()

    def _state(self, learner: Learner) -> TrainingState:
        assert self._best is not None  # noqa: S101 - the first epoch is the best until a better one comes
        metrics, head, layers = self._best
        history = tuple(self.history)
        return TrainingState(learner.variables(), history, metrics.epoch, head, layers, self._before)

    def _result(self, reason: StopReason) -> Trained:
        if self._best is None:
            raise CancelledError() if reason is StopReason.CANCELLED else TrainingDivergedError()
        metrics, head, layers = self._best
        return Trained(head, self.history, metrics.epoch, reason, layers)


def rank(metrics: EpochMetrics, parameters: HyperParameters) -> tuple[float, float]:
    """Higher is better. Equal accuracy, common on few photos, is decided by the loss."""
    if parameters.monitor == "val_loss":
        return -metrics.val_loss, 0.0
    return metrics.val_accuracy, -metrics.val_loss
