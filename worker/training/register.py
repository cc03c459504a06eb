"""From a trained head to a model version: calibrated, judged once on the test photos, registered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog
from sqlalchemy.orm import Session

from shared.datasets import store as datasets
from shared.datasets.sides import Sides
from shared.datasets.withdrawn import usable_lines
from shared.jobs import store
from shared.jobs.states import Split
from shared.models import registry
from shared.models.head import Head
from shared.models.hyperparameters import HyperParameters
from shared.tables import DatasetVersion, ModelVersion
from worker.context import WorkerContext
from worker.engines.speed import measure_speed
from worker.training.calibrate import fit_temperature
from worker.training.course import Trained
from worker.training.evaluate import evaluate
from worker.training.mistakes import answers_on
from worker.training.photo_features import PhotoFeatures
from worker.training.versions import code_commit, library_versions

logger = structlog.get_logger(__name__)
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Examples:
    """A dataset version and its photos by side, without the `withdrawn` ones, whose photos were deleted."""

    dataset: DatasetVersion
    sides: Sides
    withdrawn: int

    @classmethod
    def load(cls, context: WorkerContext, number: int) -> Examples:
        """The dataset version with this number.

        Raises:
            NotFoundError: there is none.
        """
        with context.database.read() as session:
            dataset = datasets.find(session, number)
            lines, withdrawn = usable_lines(session, number)
        if withdrawn:
            logger.warning("examples_withdrawn", dataset_version=number, count=withdrawn)
        return cls(dataset, Sides.of(line for side in lines.values() for line in side), withdrawn)

    @property
    def classes(self) -> list[str]:
        """The categories in the order of their numbers."""
        return list(self.dataset.classes)

    def numbers(self, labels: Sequence[str]) -> Labels:
        """Class numbers of labels, (n,)."""
        number_of = {name: number for number, name in enumerate(self.classes)}
        return np.array([number_of[label] for label in labels], dtype=np.int64)


def judged(
    examples: Examples,
    parameters: HyperParameters,
    trained: Trained,
    features: PhotoFeatures,
    job_id: str | None,
    **lineage: Any,
) -> tuple[registry.NewVersion, Head]:
    """What is needed to register a trained head: calibrated on validation, evaluated once on test."""
    sides = examples.sides
    validation = features.read(sides.validation.digests)
    labels = examples.numbers(sides.validation.labels)
    head = replace(trained.head, temperature=fit_temperature(trained.head.logits(validation), labels))
    answers = {
        Split.VALIDATION: (validation, labels),
        Split.TEST: (features.read(sides.test.digests), examples.numbers(sides.test.labels)),
    }
    probabilities = {split: head.probabilities(seen) for split, (seen, _) in answers.items()}
    metrics: dict[str, Any] = {
        split.value: evaluate(probabilities[split], truth, examples.classes).model_dump(mode="json")
        for split, (_, truth) in answers.items()
    }
    metrics["speed"] = measure_speed(features.engine)
    if features.int8:
        metrics["int8_speed"] = measure_speed(features.int8.engine)
    made = _lineage(examples, parameters, trained, features) | lineage
    space = features.engine.feature_space
    test, number = probabilities[Split.TEST], examples.dataset.number
    by_photo = answers_on(number, sides.test.lines, test, examples.classes, sides.train, features)
    return registry.NewVersion(examples.classes, space, head.digest, metrics, made, job_id, by_photo), head


def add_version(session: Session, new: registry.NewVersion) -> ModelVersion:
    """Register it. The first version of all answers sellers at once."""
    version = registry.add(session, new)
    if registry.champion(session) is None:
        registry.promote(session, version.number, "hangtag", "The first version: nothing answered before it.")
    return version


def result_of(version: ModelVersion) -> dict[str, Any]:
    """The result of the job that made a version."""
    return {
        "model_version": version.number,
        "test_accuracy": version.metrics["test"]["accuracy"],
        "validation_accuracy": version.metrics["validation"]["accuracy"],
        "best_epoch": version.lineage["best_epoch"],
        "stop_reason": version.lineage["stop_reason"],
    }


def register(context: WorkerContext, attempt: int, new: registry.NewVersion, head: Head) -> None:
    """Store the head, register the version and end its job in one transaction."""
    assert new.job_id is not None  # noqa: S101 - a version outside a job is registered with others
    job_id = new.job_id

    def write(session: Session) -> int | None:
        if store.renew(session, job_id, attempt):
            store.cancelled(session, job_id, attempt)
            return None
        version = add_version(session, new)
        store.succeed(session, job_id, attempt, result_of(version))
        return version.number

    registry.store_head(context.blobs, head)
    number = context.database.transact(write)
    if number is not None:
        logger.info("version_registered", model_version=number)


def _lineage(
    examples: Examples, parameters: HyperParameters, trained: Trained, features: PhotoFeatures
) -> dict[str, Any]:
    dataset = examples.dataset
    learned_from = {"int8_network_digest": features.int8.digest} if features.int8 else {}
    return {
        "dataset_version": dataset.number,
        "dataset_digest": dataset.digest,
        "dataset_counts": dataset.counts,
        "withdrawn_examples": examples.withdrawn,
        "parameters": parameters.flat(),
        "seed": parameters.seed,
        "best_epoch": trained.best_epoch,
        "stop_reason": str(trained.stop_reason),
        "history": [asdict(epoch) for epoch in trained.history],
        "engine": features.engine.name,
        **learned_from,
        "base_digest": features.engine.feature_space.base_digest,
        "code_commit": code_commit(),
        "libraries": library_versions(),
    }
