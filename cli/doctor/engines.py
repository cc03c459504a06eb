"""Checks of what answers: base weights, champion, engine."""

from __future__ import annotations

from cli.doctor.finding import Finding, bad, ok, warn
from cli.local_database import local_database
from shared.blobs import BlobStore
from shared.errors import ChecksumError, ParityError
from shared.models import engine_gates, registry
from shared.models.feature_space import FeatureSpace
from shared.settings import EngineChoice, Settings
from worker.engines.choose import decide
from worker.engines.gpu import find_gpu
from worker.engines.precision import choose_precision, may_use_int8, openvino_release
from worker.engines.published import engine_folder, require_usable
from worker.engines.quiet_openvino import import_openvino
from worker.network.base_weights import cache_path, load_base_weights


def base_weights(settings: Settings) -> Finding:
    """The base weights are there and whole."""
    path = cache_path(settings)
    if not path.is_file():
        return warn("base weights", f"{path} is not there yet. 'hangtag run' fetches it.")
    load_base_weights(path)
    return ok("base weights", f"{path}, digest checked.")


def champion(settings: Settings) -> Finding:
    """A version answers sellers, and its files are whole."""
    with local_database(settings) as database, database.read() as session:
        version = registry.champion(session)
    if version is None:
        return bad("champion", "No version answers sellers. Run 'hangtag train', then 'hangtag promote'.")
    registry.require_intact(BlobStore(settings.blob_url), version)
    return ok(
        "champion", f"version {version.number}, {version.image_size} px, {len(version.classes)} categories."
    )


def engine(settings: Settings) -> Finding:
    """The engine of the champion is built and has passed its comparison with Keras."""
    # The check of the GPU has said this sentence.
    reason = why(settings).removeprefix(find_gpu().sentence).lstrip()
    if decide(settings).name is EngineChoice.KERAS:
        return ok("engine", f"keras. {reason}")
    space = _champion_space(settings)
    if space is None:
        return warn("engine", "There is nothing to build before a version serves.")
    folder = engine_folder(settings, space)
    try:
        report = require_usable(folder, space, import_openvino().__version__)
    except (ParityError, ChecksumError) as error:
        return warn("engine", f"{error.message} 'hangtag run' builds it.")
    parity = report.parity
    agreement = f"cosine {parity.min_cosine:.6f} to keras on {parity.pictures} {report.source}"
    return ok("engine", f"openvino, {agreement}. {reason}")


def why(settings: Settings) -> str:
    """Why the engine that the settings mean serves; a worker that has loaded just that one says the same."""
    return " ".join(filter(None, (decide(settings).reason, _precision(settings))))


def _precision(settings: Settings) -> str:
    """Whether the champion answers in 8 bits, and why."""
    if not may_use_int8(settings):
        return ""
    with local_database(settings) as database, database.read() as session:
        version = registry.champion(session)
        if version is None:
            return ""
        return choose_precision(engine_gates.of(session, version.number), openvino_release()).reason


def _champion_space(settings: Settings) -> FeatureSpace | None:
    with local_database(settings) as database, database.read() as session:
        version = registry.champion(session)
        return registry.space_of(version) if version else None
