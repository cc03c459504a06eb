"""Train: features of a dataset version, a head on top of them, perhaps the last blocks of the network too, an
honest evaluation, a new version."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from shared.jobs.states import ACTIVE, JobKind
from shared.jobs.store import Progress
from shared.models.feature_space import FeatureSpace
from shared.models.hyperparameters import HyperParameters
from shared.models.layers import store_layers
from shared.tables import Job, User
from worker.attempt import run_attempt
from worker.context import WorkerContext
from worker.fine_tuning import MAPS, fine_tune_network, maps_name
from worker.lease import Lease
from worker.leftovers import forget_deleted_features
from worker.stopping import PlannedStop
from worker.training.champion import judge_champion
from worker.training.checkpoints import Checkpoints, folders_in, remove_folders
from worker.training.course import Trained
from worker.training.fit import train_head
from worker.training.photo_features import PhotoFeatures, features_in
from worker.training.register import Examples, judged, register
from worker.training.run import TrainingRun
from worker.training.versions import library_versions

# Under the data folder, one folder per job. No blobs: they come and go with every epoch.
CHECKPOINTS = "checkpoints"


def run_training(context: WorkerContext, job_id: str, stop: PlannedStop) -> None:
    """Claim a training job, carry it out and record how it ended; does nothing if it is not there to take.

    When this worker is asked to stop, the job goes back to the queue and its attempt does not count.
    """
    if stop.requested:
        return
    run_attempt(context, JobKind.TRAIN, job_id, stop, _train)
    remove_leftovers(context)


def remove_leftovers(context: WorkerContext) -> None:
    """Remove checkpoints and maps that no training needs any more, those a dead worker left behind too."""
    roots = [context.settings.data_dir / name for name in (CHECKPOINTS, MAPS)]
    found = [folders_in(root) for root in roots]
    with context.database.read() as session:
        query = select(Job).where(Job.kind == JobKind.TRAIN, Job.state.in_(ACTIVE))
        needed = {name for job in session.scalars(query) for name in _folders(context, job)}
    for root, names in zip(roots, found, strict=True):
        remove_folders(root, names - needed)


def _folders(context: WorkerContext, job: Job) -> tuple[str, str]:
    """The names of the folders with the checkpoints and the maps of a training."""
    parameters = HyperParameters.model_validate(job.payload["parameters"])
    return job.id, maps_name(context.settings, parameters)


def _train(context: WorkerContext, job: Job, lease: Lease) -> None:
    parameters = HyperParameters.model_validate(job.payload["parameters"])
    examples = Examples.load(context, job.payload["dataset_version"])
    forget_deleted_features(context.settings, context.database)
    space = FeatureSpace(context.settings.base_weights_digest, parameters.image_size)
    features = features_in(context, space, lease, parameters.precision)
    checkpoints = _checkpoints(context, job, parameters, examples, features)
    run = TrainingRun(context.database, parameters, lease, checkpoints)
    trained: Trained | None = _train_head(examples, parameters, features, run)
    if trained is None or parameters.fine_tuning.from_block:
        trained = fine_tune_network(context, lease, examples, parameters, run, trained)
        tuned = replace(space, layers_digest=store_layers(context.blobs, trained.layers))
        features = features_in(context, tuned, lease)
    lease.report(Progress("evaluation", 0, 1))
    examples = Examples.load(context, job.payload["dataset_version"])  # without what was deleted meanwhile
    new, head = judged(
        examples, parameters, trained, features, job.id, run=job.id, person=_person(context, job)
    )
    judge_champion(context, examples, features)
    register(context, job.attempt, new, head)


def _person(context: WorkerContext, job: Job) -> str | None:
    """Who asked for this training."""
    with context.database.read() as session:
        owner = session.get(User, job.owner_id) if job.owner_id else None
        return owner.name if owner else None


def _checkpoints(
    context: WorkerContext,
    job: Job,
    parameters: HyperParameters,
    examples: Examples,
    features: PhotoFeatures,
) -> Checkpoints:
    made_for = {
        "parameters": parameters.flat(),
        "dataset_digest": examples.dataset.digest,
        "withdrawn_examples": examples.withdrawn,
        "feature_space": features.engine.feature_space.key,
        "int8_network_digest": features.int8.digest if features.int8 else None,
        "libraries": library_versions(),  # the lineage names one set of them, so one set has to do it all
    }
    return Checkpoints(context.settings.data_dir / CHECKPOINTS / job.id, made_for)


def _train_head(
    examples: Examples, parameters: HyperParameters, features: PhotoFeatures, run: TrainingRun
) -> Trained | None:
    """The head of the first phase; None when an attempt before this one is past it."""
    sides = examples.sides
    if run.before is not None and run.before.best_layers:
        return None
    inputs = features.training(sides.train, parameters)
    validation = features.read(sides.validation.digests)
    run.begin()
    return train_head(
        inputs,
        examples.numbers(sides.train.labels),
        validation,
        examples.numbers(sides.validation.labels),
        len(examples.classes),
        parameters=parameters,
        on_epoch=run.note,
        should_stop=run.should_stop,
        on_state=run.keep,
        resume_from=run.before,
    )
