"""The loaded network of this process: one engine, and the heads of the versions that use it."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

import structlog

from shared.errors import BlobMissingError, ChecksumError, HangtagError, TransientError
from shared.models import engine_gates, registry, shadows
from shared.models.feature_space import FeatureSpace
from shared.models.head import Head
from shared.tables import ModelVersion
from worker.context import WorkerContext
from worker.engines.choose import decide, load_engine
from worker.engines.engine import Engine
from worker.engines.precision import Precision, choose_precision, may_use_int8, openvino_release
from worker.heartbeat import Heartbeat

logger = structlog.get_logger(__name__)
# What could not be loaded is tried again after this long; trying may mean building an engine.
REFUSED_SECONDS = 60.0
# Sooner where nothing serves meanwhile, since sellers wait: a file may just have been put back.
UNSERVED_SECONDS = 10.0


class Shadow(NamedTuple):
    """A version that answers silently, from the features of the one that serves."""

    version: ModelVersion
    head: Head


class Loaded(NamedTuple):
    """The version that answers sellers, the engine that sees their photos, and who answers beside it."""

    version: ModelVersion
    engine: Engine
    head: Head
    shadows: tuple[Shadow, ...] = ()


class _Refusal(NamedTuple):
    """A version that could not be loaded, why, and until when it is not tried again."""

    number: int
    error: Exception
    until: float

    def stands_for(self, version: ModelVersion) -> bool:
        """Whether this version is not to be tried now."""
        return self.number == version.number and time.monotonic() < self.until


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
        self._served: ModelVersion | None = None
        self._refused: _Refusal | None = None
        self._refused_shadows: dict[int, _Refusal] = {}

    def champion(self) -> Loaded:
        """The version that answers sellers now, with its engine and head ready to work.

        Raises:
            NoChampionError: no version serves.
            ChecksumError: the version's head file is damaged, and no version served before it.
            ParityError: its engine may not serve, and no version served before it.
        """
        with self._context.database.read() as session:
            version, named = registry.require_champion(session), shadows.named(session)
        with self._lock:
            if self._refused is not None and self._refused.stands_for(version):
                if self._loaded is None:
                    raise self._refused.error.with_traceback(None)
                return self._loaded
            try:
                return self._serve(version, named)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, sellers get answers
                return self._go_on_with_another(version, named, error)

    def _serve(self, version: ModelVersion, named: list[ModelVersion], trouble: str | None = None) -> Loaded:
        head = self._head_of(version)  # before the engine: a damaged file shall not cost us a working engine
        precision = self._precision_of(version)
        engine, fallback = self._engine_for(version, precision)
        beside = self._shadows_beside(version, named)
        notes = (trouble, engine.reason, fallback or precision.reason, *self._shadow_troubles(named))
        self._describe(engine.name, engine.device, " ".join(filter(None, notes)), version.number)
        self._refused = None
        self._served = version
        self._loaded = Loaded(version, engine, head, beside)
        return self._loaded

    def _shadows_beside(self, served: ModelVersion, named: list[ModelVersion]) -> tuple[Shadow, ...]:
        """One that cannot be loaded keeps no seller waiting: the others answer; it is tried again later."""
        found = []
        for version in shadows.beside(served, named):
            refusal = self._refused_shadows.get(version.number)
            if refusal is not None and refusal.stands_for(version):
                continue
            try:
                found.append(Shadow(version, self._head_of(version)))
                self._refused_shadows.pop(version.number, None)
            except HangtagError as error:
                logger.error("shadow_refused", model_version=version.number, code=error.code)
                self._refused_shadows[version.number] = _refusal(version, error, REFUSED_SECONDS)
        return tuple(found)

    def _shadow_troubles(self, named: list[ModelVersion]) -> list[str]:
        numbers = {version.number for version in named} & self._refused_shadows.keys()
        return [
            f"Version {number} cannot answer in shadow: {self._refused_shadows[number].error}"
            for number in sorted(numbers)
        ]

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

    def _go_on_with_another(
        self, refused: ModelVersion, named: list[ModelVersion], error: Exception
    ) -> Loaded:
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
                loaded = self._serve(version, named, trouble)
            except Exception as again:  # noqa: BLE001 - the next older one may be in order
                logger.error("version_refused", model_version=version.number, detail=str(again))
                continue
            self._refused = _refusal(refused, error, REFUSED_SECONDS)
            return loaded
        self._refused = _refusal(refused, error, UNSERVED_SECONDS)
        raise error

    def _earlier(self, refused: ModelVersion) -> list[ModelVersion]:
        if self._served is not None and self._served.number != refused.number:
            return [self._served]
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
            # Two networks take twice the memory. Photos under way may still keep the old one for a moment.
            self._engine, self._loaded_for, self._loaded = None, None, None
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


def _refusal(version: ModelVersion, error: Exception, seconds: float) -> _Refusal:
    return _Refusal(version.number, error, time.monotonic() + seconds)
