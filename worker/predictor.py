"""The loaded network of this process: one engine, and the heads of the versions that use it."""

from __future__ import annotations

import threading
import time
from typing import Any

import structlog

from shared.errors import BlobMissingError, ChecksumError, HangtagError, TransientError
from shared.models import engine_gates, registry
from shared.models.feature_space import FeatureSpace
from shared.models.head import Head
from shared.tables import ModelVersion
from worker.context import WorkerContext
from worker.engines.choose import decide, load_engine
from worker.engines.engine import Engine
from worker.engines.precision import Precision, choose_precision, may_use_int8, openvino_release
from worker.heartbeat import Heartbeat

logger = structlog.get_logger(__name__)
# A champion that could not be loaded is tried again after this long; trying may mean building an engine.
REFUSED_SECONDS = 60.0
Loaded = tuple[ModelVersion, Engine, Head]


class Predictor:
    """Keeps the champion's engine loaded; a champion of the same feature space only swaps the head.

    A champion that cannot be loaded is refused: the version that served before it goes on serving.
    """

    def __init__(self, context: WorkerContext, heartbeat: Heartbeat) -> None:
        self._context = context
        self._heartbeat = heartbeat
        self._lock = threading.Lock()
        self._int8_allowed = may_use_int8(context.settings)
        self._engine: Engine | None = None
        self._trouble = ""
        self._loaded_for: tuple[FeatureSpace, str | None] | None = None
        self._described: tuple[str, str, str, int] | None = None
        self._heads: dict[str, Head] = {}
        self._loaded: Loaded | None = None
        self._refused: tuple[int, float] | None = None

    def champion(self) -> Loaded:
        """The version that answers sellers now, with its engine and head ready to work.

        Raises:
            NoChampionError: no version serves.
            ChecksumError: the version's head file is damaged, and no version served before it.
            ParityError: its engine may not serve, and no version served before it.
        """
        with self._context.database.read() as session:
            version = registry.require_champion(session)
        with self._lock:
            if self._loaded is not None and self._is_refused(version):
                return self._loaded
            try:
                return self._serve(version)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, sellers get answers
                return self._go_on_with_another(version, error)

    def _is_refused(self, version: ModelVersion) -> bool:
        if self._refused is None:
            return False
        number, until = self._refused
        return number == version.number and time.monotonic() < until

    def _serve(self, version: ModelVersion, trouble: str | None = None) -> Loaded:
        head = self._head_of(version)  # before the engine: a damaged file shall not cost us a working engine
        precision = self._precision_of(version)
        engine, fallback = self._engine_for(version, precision)
        note = " ".join(filter(None, (trouble, engine.reason, fallback or precision.reason)))
        self._describe(engine.name, engine.device, note, version.number)
        self._refused = None
        self._loaded = version, engine, head
        return self._loaded

    def _describe(self, *facts: Any) -> None:
        if facts != self._described:
            self._heartbeat.describe(*facts)
            self._described = facts

    def _precision_of(self, version: ModelVersion) -> Precision:
        """In which precision the version may serve now; another one as soon as its gate is decided."""
        if not self._int8_allowed:
            return Precision(None, "")
        with self._context.database.read() as session:
            return choose_precision(engine_gates.of(session, version.number), openvino_release())

    def _go_on_with_another(self, refused: ModelVersion, error: Exception) -> Loaded:
        """Serve with the version that did so far, after a restart with one that did before.

        Raises:
            Exception: `error`, when there is none.
        """
        code = error.code if isinstance(error, HangtagError) else type(error).__name__
        logger.error("champion_refused", model_version=refused.number, code=code, detail=str(error))
        for version in self._earlier(refused):
            trouble = (
                f"Version {refused.number} cannot serve ({code}): {error} Version {version.number} does."
            )
            try:
                loaded = self._serve(version, trouble)
            except Exception as again:  # noqa: BLE001 - the next older one may be in order
                logger.error("version_refused", model_version=version.number, detail=str(again))
                continue
            self._refused = (refused.number, time.monotonic() + REFUSED_SECONDS)
            return loaded
        raise error

    def _earlier(self, refused: ModelVersion) -> list[ModelVersion]:
        if self._loaded is not None and self._loaded[0].number != refused.number:
            return [self._loaded[0]]
        with self._context.database.read() as session:
            numbers = dict.fromkeys(change.before for change in registry.history(session))
            return [
                registry.find(session, number) for number in numbers if number not in (None, refused.number)
            ]

    def _engine_for(self, version: ModelVersion, precision: Precision) -> tuple[Engine, str]:
        """The engine to serve with, and what went wrong with the one that was wanted, if anything did."""
        space = registry.space_of(version)
        wanted = (space, precision.network_digest)
        if self._engine is None or self._loaded_for != wanted:
            self._engine, self._loaded_for = None, None  # two networks at once would take twice the memory
            self._engine, self._trouble = self._load(space, precision)
            self._loaded_for = wanted
            logger.info(
                "engine_loaded", engine=self._engine.name, device=self._engine.device, space=space.key
            )
        return self._engine, self._trouble

    def _load(self, space: FeatureSpace, precision: Precision) -> tuple[Engine, str]:
        settings = self._context.settings
        if precision.network_digest is None:
            return load_engine(settings, space), ""
        # Only here: it brings OpenVINO into the process.
        from worker.engines.openvino_engine import load_int8_engine  # noqa: PLC0415

        try:
            reason = decide(settings).reason
            return load_int8_engine(
                settings, self._context.blobs, space, precision.network_digest, reason
            ), ""
        except (BlobMissingError, ChecksumError, TransientError) as error:  # sellers get their answers
            logger.error("int8_engine_refused", code=error.code, detail=error.message)
            return load_engine(settings, space), f"In full precision, until the next start: {error.message}"

    def _head_of(self, version: ModelVersion) -> Head:
        if version.head_digest not in self._heads:
            self._heads[version.head_digest] = registry.load_head(self._context.blobs, version)
        return self._heads[version.head_digest]
