"""The champion judged on the test photos of a newer dataset version, to be compared photo by photo."""

from __future__ import annotations

import structlog

from shared.datasets.sides import TrainingPhotos
from shared.errors import HangtagError
from shared.models import evaluated, neighbours, registry
from worker.context import WorkerContext
from worker.training.mistakes import answers_on
from worker.training.photo_features import PhotoFeatures
from worker.training.register import Examples

logger = structlog.get_logger(__name__)


def judge_champion(context: WorkerContext, examples: Examples, features: PhotoFeatures) -> None:
    """Write down what the champion answers for these test photos, if that was not done before.

    Only where it shares the feature space: there it costs nothing, elsewhere a backbone pass per photo.
    """
    number = examples.dataset.number
    with context.database.read() as session:
        champion = registry.champion(session)
        done = champion is not None and number in evaluated.dataset_versions(session, champion.number)
        training = neighbours.training_photos(session, champion) if champion else TrainingPhotos(())
    if champion is None or done or registry.space_of(champion) != features.engine.feature_space:
        return
    try:
        head = registry.load_head(context.blobs, champion)
    except HangtagError as error:  # the new version does not depend on the old one's file
        logger.warning("champion_not_judged", model_version=champion.number, detail=error.message)
        return
    test = examples.sides.test
    probabilities = head.probabilities(features.read(test.digests))
    answers = answers_on(number, test.lines, probabilities, champion.classes, training, features)
    with context.database.write() as session:
        evaluated.record(session, champion.number, answers, champion.classes)
