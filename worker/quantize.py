"""Judge the int8 engine of a model version: quantize where needed, compare answers, write the verdict."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog

from shared.blobs import network_key, sha256
from shared.datasets.store import Line
from shared.datasets.withdrawn import usable_lines
from shared.errors import BlobMissingError, ChecksumError, ValidationError
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.jobs.store import Progress
from shared.models import engine_gates, registry
from shared.models.feature_space import FeatureSpace
from shared.settings import EngineChoice
from shared.tables import EngineGate, Job, ModelVersion
from worker.attempt import run_attempt
from worker.context import WorkerContext
from worker.engines.build_process import quantize_in_child
from worker.engines.choose import load_engine
from worker.engines.engine import Engine
from worker.engines.gate import Comparison, compare_answers
from worker.engines.openvino_engine import load_int8_engine
from worker.engines.precision import openvino_release
from worker.engines.published import NETWORK_FILE, engine_folder
from worker.extract import ensure_features, readable
from worker.lease import Lease
from worker.pixels import decode, stored_pixels
from worker.stopping import PlannedStop
from worker.training.feature_store import FeatureStore, features_folder, int8_variation

logger = structlog.get_logger(__name__)
# Ranges settle long before; NNCF's own default is 300, and 200 take less than a minute on two cores.
CALIBRATION_PHOTOS = 200


def run_quantization(context: WorkerContext, job_id: str, stop: PlannedStop) -> None:
    """Claim a judgement, make it and record it; does nothing if it is not there to take."""
    run_attempt(context, JobKind.QUANTIZE, job_id, stop, _judge)


def _judge(context: WorkerContext, job: Job, lease: Lease) -> None:
    with context.database.read() as session:
        version = registry.find(session, job.payload["model_version"])
        gate = session.get_one(EngineGate, version.number)
        known = engine_gates.quantized_network(session, version.feature_space, openvino_release())
        lines, _ = usable_lines(session, gate.dataset_version)  # photos that were deleted since are gone
    lease.report(Progress("engine", 0, 1))
    space = registry.space_of(version)
    exact = load_engine(replace(context.settings, engine=EngineChoice.OPENVINO), space, check=lease.check)
    digest, int8 = _int8_engine(context, space, known, lines[Split.TRAIN], lease)
    comparison = _compare(context, version, (exact, int8), digest, lines[Split.VALIDATION], lease)
    _record(context, job, version, digest, comparison)


def _int8_engine(
    context: WorkerContext, space: FeatureSpace, known: str | None, training: Sequence[Line], lease: Lease
) -> tuple[str, Engine]:
    """The int8 engine of this feature space and its digest; quantizes unless that was done before."""
    if known is not None:
        try:
            return known, load_int8_engine(context.settings, context.blobs, space, known)
        except (BlobMissingError, ChecksumError) as error:
            logger.warning("int8_network_gone", digest=known, code=error.code)
    lease.report(Progress("quantization", 0, 1))
    digest = _quantize(context, space, training, lease)
    return digest, load_int8_engine(context.settings, context.blobs, space, digest)


def _quantize(context: WorkerContext, space: FeatureSpace, training: Sequence[Line], lease: Lease) -> str:
    """Quantize the network in full precision on some training photos and store the result."""
    folder = engine_folder(context.settings, space)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".quantizing-") as scratch:
        photos, output = Path(scratch) / "photos.npy", Path(scratch) / "network.zip"
        np.save(photos, _calibration_pixels(context, space, training))
        quantize_in_child(context.settings, folder / NETWORK_FILE, photos, output, lease.check)
        network = output.read_bytes()
    digest = sha256(network)
    context.blobs.put(network_key(digest), network)
    return digest


def _calibration_pixels(
    context: WorkerContext, space: FeatureSpace, training: Sequence[Line]
) -> npt.NDArray[np.uint8]:
    """Pixels of photos from all over the training side: its lines are in the order of their digests."""
    step = max(1, len(training) // CALIBRATION_PHOTOS)
    chosen = [line.digest for line in training[::step][:CALIBRATION_PHOTOS]]
    read = stored_pixels(context.blobs, space.image_size)
    return np.stack([readable(digest, decode(read, digest)) for digest in chosen])


def _compare(
    context: WorkerContext,
    version: ModelVersion,
    engines: tuple[Engine, Engine],
    digest: str,
    lines: Sequence[Line],
    lease: Lease,
) -> Comparison:
    """The head's answers on the features of both engines, which are kept: the next head needs no photo."""
    known = [line for line in lines if line.label in version.classes]
    if not known:
        raise ValidationError("The dataset has no validation photos of this version's categories.")
    photos = [line.digest for line in known]
    labels = np.array([version.classes.index(line.label) for line in known], dtype=np.int64)
    head = registry.load_head(context.blobs, version)
    folder = features_folder(context.settings)
    read = stored_pixels(context.blobs, version.image_size)
    answers = []
    for engine, variation in zip(engines, ("", int8_variation(digest)), strict=True):
        features = FeatureStore(folder, engine.feature_space, variation)
        ensure_features(engine, features, read, photos, lease.report)
        answers.append(head.probabilities(features.read(photos)))
    return compare_answers(answers[0], answers[1], labels)


def _record(
    context: WorkerContext, job: Job, version: ModelVersion, digest: str, comparison: Comparison
) -> None:
    figures = asdict(comparison)
    verdict = engine_gates.Verdict(digest, comparison.passed, figures, comparison.sentence)
    with context.database.write() as session:
        if store.renew(session, job.id, job.attempt):
            store.cancelled(session, job.id, job.attempt)
            return
        engine_gates.decide(session, version.number, verdict)
        session.get_one(EngineGate, version.number).job_id = job.id  # a later one than asked for, perhaps
        result = {
            "model_version": version.number,
            "passed": verdict.passed,
            "reason": verdict.reason,
            **figures,
        }
        store.succeed(session, job.id, job.attempt, result)
    logger.info("int8_judged", model_version=version.number, passed=verdict.passed, reason=verdict.reason)
