"""A version as its pages show it: rows, curves out of its lineage, reliability, answers beside photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from shared.models.comparison import Pair
from shared.models.evaluation import ClassEvaluation, Evaluation, Interval, evaluation, wilson_interval
from shared.models.neighbours import LabelledNeighbour
from shared.models.reliability import Bin
from shared.tables import EvaluatedPhoto, ModelVersion
from web.pages.present.curves import Chart, unit_chart
from web.pages.present.words import category_label, percent


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version with its figures and its names."""

    version: ModelVersion
    test: Evaluation | None
    aliases: list[str]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """The figures of one category, with intervals where a share has one."""

    figures: ClassEvaluation
    precision_interval: Interval | None


@dataclass(frozen=True, slots=True)
class AnsweredPhoto:
    """A photo of a dataset, and what is said below it."""

    digest: str
    alt: str
    truth: str
    answers: list[str]


def version_row(version: ModelVersion, aliases: dict[str, int]) -> VersionRow:
    """A version with its test figures and the names it has."""
    names = [name for name, number in aliases.items() if number == version.number]
    return VersionRow(version, evaluation(version, "test"), names)


def class_rows(result: Evaluation) -> list[ClassRow]:
    """Each category with the Wilson interval of its precision, counted in the confusion matrix."""
    columns = [sum(column) for column in zip(*result.confusion, strict=True)]
    return [
        ClassRow(row, wilson_interval(result.confusion[i][i], columns[i]) if columns[i] else None)
        for i, row in enumerate(result.per_class)
    ]


def epochs_of_lineage(lineage: dict[str, Any]) -> list[SimpleNamespace]:
    """The epochs that made a version, as far as its lineage tells them whole."""
    wanted = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
    rows = lineage.get("history", [])
    return [SimpleNamespace(**row) for row in rows if all(name in row for name in wanted)]


def reliability_chart(bins: Sequence[Bin]) -> Chart:
    """How often answers of each confidence are right."""
    measured = [(found.confidence, found.accuracy) for found in bins]
    diagonal = [(0.0, 0.0), (1.0, 1.0)]
    series = {"Measured": measured, "As sure as right": diagonal}
    return unit_chart("Share of right answers", "confidence", series, marked="Measured")


def answered_photo(photo: EvaluatedPhoto) -> AnsweredPhoto:
    """What a version said about a photo."""
    truth, answer = category_label(photo.truth), category_label(photo.answer)
    return AnsweredPhoto(photo.digest, f"A photo of: {truth}", truth, [_said(answer, photo.confidence)])


def learned_photo(neighbour: LabelledNeighbour) -> AnsweredPhoto:
    """A photo that a version learned from, beside one that looks like it."""
    label = category_label(neighbour.label)
    alike = [f"Likeness {neighbour.similarity:.2f}"]
    return AnsweredPhoto(neighbour.digest, f"A training photo of: {label}", label, alike)


def compared_photo(pair: Pair, a: int, b: int) -> AnsweredPhoto:
    """What two versions said about a photo."""
    truth = category_label(pair.truth)
    answers = [
        f"Version {a}: {_said(category_label(pair.answer_a), pair.confidence_a)}",
        f"Version {b}: {_said(category_label(pair.answer_b), pair.confidence_b)}",
    ]
    return AnsweredPhoto(pair.digest, f"A photo of: {truth}", truth, answers)


def _said(answer: str, confidence: float) -> str:
    """An answer with its confidence, which stays on one line with its sign."""
    return f"{answer}, {percent(confidence)}".replace(" %", "\u00a0%")
