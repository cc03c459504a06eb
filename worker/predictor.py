"""The loaded network of this process: one engine, and the heads of the versions that use it."""

from __future__ import annotations

import threading

import structlog

from shared.models import registry
from shared.models.head import Head
from shared.tables import ModelVersion
from worker.context import WorkerContext
from worker.engines.choose import load_engine
from worker.engines.engine import Engine
from worker.heartbeat import Heartbeat

logger = structlog.get_logger(__name__)


class Predictor:
    """Keeps the champion's engine loaded; a champion of the same feature space only swaps the head."""

    def __init__(self, context: WorkerContext, heartbeat: Heartbeat) -> None:
        self._context = context
        self._heartbeat = heartbeat
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._heads: dict[str, Head] = {}

    def champion(self) -> tuple[ModelVersion, Engine, Head]:
        """The version that answers sellers now, with its engine and head ready to work.

        Raises:
            NoChampionError: no version serves.
            ChecksumError: the version's head file is damaged.
            ParityError: its engine may not serve.
        """
        with self._context.database.read() as session:
            version = registry.require_champion(session)
        with self._lock:
            return version, self._engine_for(version), self._head_of(version)

    def _engine_for(self, version: ModelVersion) -> Engine:
        space = registry.space_of(version)
        if self._engine is None or self._engine.feature_space != space:
            self._engine = None  # two networks at once would take twice the memory
            self._engine = load_engine(self._context.settings, space)
            self._heartbeat.describe(self._engine.name, self._engine.device, self._engine.reason)
            logger.info(
                "engine_loaded", engine=self._engine.name, device=self._engine.device, space=space.key
            )
        return self._engine

    def _head_of(self, version: ModelVersion) -> Head:
        if version.head_digest not in self._heads:
            self._heads[version.head_digest] = registry.load_head(self._context.blobs, version)
        return self._heads[version.head_digest]
