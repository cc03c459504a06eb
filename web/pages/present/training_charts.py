"""The curves of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from web.pages.present.curves import Chart, line_chart


class Epoch(Protocol):
    """The figures of one epoch, as a row of a running training or out of a version's lineage."""

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


def training_charts(epochs: Sequence[Epoch], champion: tuple[str, float] | None = None) -> list[Chart]:
    """The curves of a training, once there is more than a point to draw.

    `champion` is the accuracy that the champion reached on its validation photos, with its name.
    """
    if len(epochs) < 2:
        return []
    numbers = [row.epoch for row in epochs]
    accuracy = {
        "Training": [row.accuracy for row in epochs],
        "Validation": [row.val_accuracy for row in epochs],
    }
    loss = {"Training": [row.loss for row in epochs], "Validation": [row.val_loss for row in epochs]}
    return [line_chart("Accuracy", numbers, accuracy, champion), line_chart("Loss", numbers, loss)]
