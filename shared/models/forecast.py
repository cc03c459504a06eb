"""What a training will cost in time, from what was measured on this installation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.jobs.states import JobKind, JobState, Split
from shared.models.hyperparameters import HyperParameters
from shared.tables import DatasetExample, DatasetVersion, Job, ModelVersion, TrainingEpoch

# Measured with OpenVINO in float32 on two CPU cores without a GPU; until something was measured here.
REFERENCE_SIZE = 299
REFERENCE_PHOTOS_PER_SECOND = 12.0
# How many times as fast 8 bits are; on the same cores 37 to 48 photos a second against 10 to 15.
REFERENCE_INT8_GAIN = 3.0
# A head's epoch over the features of one photo, on the same cores.
REFERENCE_EPOCH_SECONDS = 1e-4
# Fine-tuning the last two blocks at 299 px, on the same cores: an epoch over 3,068 photos took 100 s, and
# computing what goes into these blocks 300 s, about as long as the features themselves.
REFERENCE_TUNING_SECONDS = 100 / 3068
# The first training at an image size has its engine built; 16 to 27 s on two cores. One in 8 bits is there
# already: without a passed check no training uses it.
REFERENCE_ENGINE_SECONDS = 20.0
# With everything else known, a training took 4.4 s instead of 2: the engine is loaded and its speed measured.
REFERENCE_LOADING_SECONDS = 3.0
# Measured trainings beyond these say nothing new.
LATEST = 20
# What is measured beside other work comes out slow: the middle of some says more than the newest one.
MEASUREMENTS = 5

Basis = Literal["measured", "scaled", "reference"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long the parts of a training take, in seconds, and what that rests on.

    `new_photos` is how many backbone passes are needed, `kept_photos` how many photos were seen in the same
    feature space by an earlier training. `engine_seconds` is for building an engine or loading it.
    `at_most` is the time when no training stops early.
    `int8_photos_per_second` is how fast training photos are seen in 8 bits, None where they are not.
    """

    basis: Basis
    photos_per_second: float
    kept_photos: int
    new_photos: int
    engine_seconds: float
    feature_seconds: float
    epoch_seconds: float
    epochs: int
    tuning_seconds: float
    int8_photos_per_second: float | None = None

    @property
    def at_most(self) -> float:
        """The whole training, if it does not stop early."""
        head = self.epoch_seconds * self.epochs
        return self.engine_seconds + self.feature_seconds + head + self.tuning_seconds

    @property
    def rests_on(self) -> str:
        """Where the figures come from, in a sentence."""
        speed = f"{self.photos_per_second:.0f} photos a second"
        if self.int8_photos_per_second is not None:
            speed += f" and {self.int8_photos_per_second:.0f} of the training photos in 8 bits"
        return {
            "measured": f"Rests on {speed}, measured here when a version of this image size was made.",
            "scaled": f"Rests on {speed}, scaled by the number of pixels from a size measured here.",
            "reference": f"Rests on {speed}, measured on two CPU cores elsewhere: nothing was measured here "
            "yet. A GPU is many times faster.",
        }[self.basis]


def forecast(session: Session, parameters: HyperParameters, dataset: DatasetVersion) -> Forecast:
    """What training with these parameters on this dataset version will take."""
    train = sum(dataset.counts.get(Split.TRAIN.value, {}).values())
    total = sum(sum(counts.values()) for counts in dataset.counts.values())
    speed, basis = _speed(session, parameters.image_size)
    int8 = _int8_speed(session, parameters.image_size, speed) if parameters.precision == "int8" else None
    learning_speed = int8 or speed
    seen = _trained_on(session, parameters)
    kept_training = _kept(session, dataset, [Split.TRAIN], seen[parameters.precision])
    kept = _kept(session, dataset, [Split.VALIDATION, Split.TEST], seen["full"] | seen["int8"])
    views = parameters.augmentation.views if parameters.augmentation.mode == "views" else 0
    fresh = train / learning_speed if parameters.augmentation.mode == "exact" else 0.0
    learning, judging = train - kept_training + views * train, total - train - kept
    return Forecast(
        basis=basis,
        photos_per_second=speed,
        kept_photos=kept_training + kept,
        new_photos=learning + judging,
        engine_seconds=_engine_seconds(session, parameters.image_size, seen),
        feature_seconds=learning / learning_speed + judging / speed,
        epoch_seconds=_epoch_seconds(session) * train * (1 + views) + fresh,
        epochs=parameters.epochs,
        tuning_seconds=_tuning_seconds(parameters, train, total, speed),
        int8_photos_per_second=int8,
    )


def _engine_seconds(session: Session, image_size: int, seen: dict[str, set[int]]) -> float:
    """Building an engine, or loading it where a version or a training of this image size has needed it."""
    made = select(ModelVersion.number).where(ModelVersion.image_size == image_size).limit(1)
    built = any(seen.values()) or session.scalar(made) is not None
    return REFERENCE_LOADING_SECONDS if built else REFERENCE_ENGINE_SECONDS


def _tuning_seconds(parameters: HyperParameters, train: int, total: int, speed: float) -> float:
    """The second phase: what goes into its blocks, then its epochs, in proportion to the backbone's speed."""
    tuning = parameters.fine_tuning
    if not tuning.from_block:
        return 0.0
    epoch = train * REFERENCE_TUNING_SECONDS * REFERENCE_PHOTOS_PER_SECOND / speed
    return total / speed + tuning.epochs * epoch


def _speed(session: Session, image_size: int) -> tuple[float, Basis]:
    """Photos per second through the backbone at this size, and whether that was measured."""
    reference = REFERENCE_PHOTOS_PER_SECOND * (REFERENCE_SIZE / image_size) ** 2
    return _measured(session, image_size, "speed") or (reference, "reference")


def _int8_speed(session: Session, image_size: int, speed: float) -> float:
    """The same in 8 bits, where full precision reaches `speed`."""
    measured = _measured(session, image_size, "int8_speed")
    return measured[0] if measured else speed * REFERENCE_INT8_GAIN


def _measured(session: Session, image_size: int, metric: str) -> tuple[float, Basis] | None:
    """The middle of what the newest versions measured at this size, else at the nearest one."""
    newest = session.execute(
        select(ModelVersion.image_size, ModelVersion.metrics)
        .order_by(ModelVersion.number.desc())
        .limit(LATEST)
    )
    measured = [
        (size, float(metrics[metric]["photos_per_second"])) for size, metrics in newest if metric in metrics
    ]
    if not measured:
        return None
    nearest, _ = min(measured, key=lambda one: abs(one[0] - image_size))
    speed = median([speed for size, speed in measured if size == nearest][:MEASUREMENTS])
    return speed * (nearest / image_size) ** 2, "measured" if nearest == image_size else "scaled"


def _trained_on(session: Session, parameters: HyperParameters) -> dict[str, set[int]]:
    """Precision -> the dataset versions that trainings of this image size learned from in it."""
    found: dict[str, set[int]] = {"full": set(), "int8": set()}
    done = select(Job.payload).where(Job.kind == JobKind.TRAIN, Job.state == JobState.SUCCEEDED)
    for payload in session.scalars(done):
        earlier = payload.get("parameters", {})
        if earlier.get("image_size") == parameters.image_size:
            found[earlier.get("precision", "full")].add(payload["dataset_version"])
    return found


def _kept(session: Session, dataset: DatasetVersion, sides: Collection[Split], seen: set[int]) -> int:
    """Photos on these sides of this dataset version that are in one of the `seen` ones too."""
    if dataset.number in seen:
        return sum(sum(dataset.counts.get(side.value, {}).values()) for side in sides)
    elsewhere = select(DatasetExample.digest).where(DatasetExample.dataset_version.in_(seen))
    mine = (
        DatasetExample.dataset_version == dataset.number,
        DatasetExample.split.in_(sides),
        DatasetExample.digest.in_(elsewhere),
    )
    return session.scalar(select(func.count()).select_from(DatasetExample).where(*mine)) or 0


def _epoch_seconds(session: Session) -> float:
    """Seconds per training photo, or view of one, and epoch of a head: the middle of the newest trainings."""
    newest = session.execute(
        select(Job.payload, func.avg(TrainingEpoch.seconds))
        .join(TrainingEpoch, TrainingEpoch.job_id == Job.id)
        .where(Job.state == JobState.SUCCEEDED)
        .group_by(Job.id)
        .order_by(Job.id.desc())
        .limit(LATEST)
    )
    measured = [seconds / seen for payload, seconds in newest if (seen := _seen_by_head(session, payload))]
    return median(measured[:MEASUREMENTS]) if measured else REFERENCE_EPOCH_SECONDS


def _seen_by_head(session: Session, payload: dict[str, Any]) -> int:
    """Photos and views of them in an epoch of this training; 0 where more than a head had its epochs."""
    parameters = payload.get("parameters", {})
    augmentation = parameters.get("augmentation", {})
    if augmentation.get("mode") == "exact" or parameters.get("fine_tuning", {}).get("from_block"):
        return 0
    trained_on = session.get(DatasetVersion, payload["dataset_version"])
    photos = sum(trained_on.counts.get(Split.TRAIN.value, {}).values()) if trained_on else 0
    return photos * (1 + (augmentation["views"] if augmentation.get("mode") == "views" else 0))
