"""In which precision a version serves: 8 bits where its gate was passed, full precision everywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version as installed_version

from shared.models.engine_gates import MIN_PHOTOS
from shared.settings import EngineChoice, Settings
from shared.tables import EngineGate
from worker.engines.choose import decide

UNASKED = (
    "In full precision: no int8 engine was made yet. One is, as soon as there is a dataset with at least "
    f"{MIN_PHOTOS} validation photos to judge it on."
)
UNDECIDED = "In full precision: the int8 engine is being judged."


@dataclass(frozen=True, slots=True)
class Precision:
    """The digest of the int8 network to serve with, or None for full precision; and why, in a sentence."""

    network_digest: str | None
    reason: str


def may_use_int8(settings: Settings) -> bool:
    """Whether the settings allow an int8 engine on this machine."""
    if settings.engine is EngineChoice.OPENVINO_INT8:
        return True
    return settings.engine is EngineChoice.AUTO and decide(settings).name is EngineChoice.OPENVINO


@lru_cache(maxsize=1)
def openvino_release() -> str:
    """The installed release, found out without importing it. Judgements hold for one release."""
    return installed_version("openvino")


def choose_precision(gate: EngineGate | None, openvino: str) -> Precision:
    """What the gate of a version means under this release of OpenVINO."""
    if gate is None or gate.openvino != openvino:
        return Precision(None, UNASKED)
    if gate.passed is None:
        return Precision(None, UNDECIDED)
    return Precision(gate.network_digest if gate.passed else None, gate.reason or "")
