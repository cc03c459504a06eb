"""Choose and load the engine of a worker. What it falls back to, and why, is in the log and in the engine."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ChecksumError, ParityError, PermanentError
from shared.models.feature_space import PREPROCESSING_VERSION, FeatureSpace
from shared.settings import EngineChoice, Settings
from worker.engines.build_process import Check, build_in_child, no_check
from worker.engines.engine import Engine
from worker.engines.gpu import GpuFinding, find_gpu
from worker.network.base_weights import ensure_base_weights
from worker.network.progress import Report, no_report

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineDecision:
    """The engine to load in full precision ("keras" or "openvino") and the sentence that says why."""

    name: EngineChoice
    reason: str


def decide(settings: Settings, gpu: GpuFinding | None = None) -> EngineDecision:
    """Say which engine the settings mean on this machine, without loading anything.

    Args:
        gpu: what is known about GPUs; None looks for one.
    """
    if settings.engine is EngineChoice.OPENVINO_INT8:
        return EngineDecision(EngineChoice.OPENVINO, f"HANGTAG_ENGINE={settings.engine} asks for it.")
    if settings.engine is not EngineChoice.AUTO:
        return EngineDecision(settings.engine, f"HANGTAG_ENGINE={settings.engine} asks for it.")
    gpu = find_gpu() if gpu is None else gpu
    if gpu.usable:
        return EngineDecision(EngineChoice.KERAS, f"{gpu.sentence} Keras serves on it.")
    return EngineDecision(EngineChoice.OPENVINO, f"{gpu.sentence} OpenVINO serves on the CPU.")


def load_engine(
    settings: Settings,
    feature_space: FeatureSpace,
    report: Report = no_report,
    photos: Path | None = None,
    check: Check = no_check,
) -> Engine:
    """Load the engine of this machine for `feature_space`, building it on first use (about 20 s).

    Only the Keras engine brings TensorFlow into this process. With HANGTAG_ENGINE=auto, a GPU that TensorFlow
    cannot use after all leads to OpenVINO, and an OpenVINO that fails its parity check leads to Keras.

    Args:
        report: told how far a download of the base weights is.
        photos: a folder of JPEG photos for the parity check of a build; None compares drawn pictures.
        check: called again and again during a build; what it raises ends the build and comes out of here, as
            does what `report` raises during a download.

    Raises:
        PermanentError: the feature space belongs to other base weights or another release.
        BaseWeightsError: the base weights cannot be had.
        ParityError: the engine that HANGTAG_ENGINE asks for differs too much from Keras in float32.
        EngineBuildError: the OpenVINO engine could not be built.
    """
    require_servable(settings, feature_space)
    decision = decide(settings)
    if decision.name is EngineChoice.KERAS:
        engine = _keras(settings, feature_space, report, decision.reason)
        if settings.engine is EngineChoice.KERAS or engine.device.startswith("GPU"):
            return _announced(engine)
        reason = f"{decision.reason} But TensorFlow cannot use it: OpenVINO serves on the CPU."
        log.warning("%s", reason)
        decision = EngineDecision(EngineChoice.OPENVINO, reason)
    try:
        return _announced(_openvino(settings, feature_space, report, photos, check, decision.reason))
    except ParityError as error:
        if settings.engine is not EngineChoice.AUTO:
            raise
        reason = f"OpenVINO was refused, so Keras serves on the CPU. {error.message}"
        log.warning("%s", reason)
        return _announced(_keras(settings, feature_space, report, reason))


def require_servable(settings: Settings, feature_space: FeatureSpace) -> None:
    """See that features of this space can be computed by this release with these base weights.

    Raises:
        PermanentError: they cannot.
    """
    if feature_space.base_digest != settings.base_weights_digest:
        raise PermanentError(
            f"The feature space {feature_space.key} belongs to base weights other than those of "
            "HANGTAG_BASE_WEIGHTS_DIGEST. Set it to those, or train a version with the present ones."
        )
    if feature_space.preprocessing != PREPROCESSING_VERSION:
        raise PermanentError(
            f"The feature space {feature_space.key} comes from a release that prepared photos in another way "
            f"(this one has preprocessing {PREPROCESSING_VERSION}). Train the version anew."
        )


def _keras(settings: Settings, feature_space: FeatureSpace, report: Report, reason: str) -> Engine:
    # Only here: it brings TensorFlow into the process.
    from worker.engines.keras_engine import load_keras_engine  # noqa: PLC0415

    weights = ensure_base_weights(settings, report)
    return load_keras_engine(settings, feature_space, weights, reason)


def _openvino(
    settings: Settings,
    feature_space: FeatureSpace,
    report: Report,
    photos: Path | None,
    check: Check,
    reason: str,
) -> Engine:
    # Only here: it brings OpenVINO into the process.
    from worker.engines.openvino_engine import load_openvino_engine  # noqa: PLC0415

    try:
        return load_openvino_engine(settings, feature_space, reason)
    except ParityError as missing:
        log.info("building the OpenVINO engine, which takes about 20 seconds: %s", missing.message)
    except ChecksumError as changed:
        log.warning("building the OpenVINO engine anew: %s", changed.message)
    ensure_base_weights(settings, report)  # here, so that the caller sees how far a download is
    build_in_child(settings, feature_space, photos, check)
    return load_openvino_engine(settings, feature_space, reason)


def _announced(engine: Engine) -> Engine:
    log.info("engine: %s on %s. %s", engine.name, engine.device, engine.reason)
    return engine
