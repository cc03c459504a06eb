"""The engine's stage of a start: built before the worker asks for it, so that the wait is a visible one."""

from __future__ import annotations

from rich.console import Console

from cli.start.stages import stage
from shared.database import Database
from shared.errors import ParityError
from shared.models import registry
from shared.models.feature_space import FeatureSpace
from shared.settings import EngineChoice, Settings
from worker.engines.build_process import build_in_child
from worker.engines.choose import decide
from worker.engines.published import REPORT_FILE, engine_folder


def prepare(settings: Settings, console: Console) -> None:
    """See that the engine for the champion is built where one has to be.

    Raises:
        ParityError: HANGTAG_ENGINE asks for an engine that may not serve.
        EngineBuildError: it could not be built.
    """
    with stage(console, "Engine") as step:
        space = champion_space(settings)
        decision = decide(settings)
        if space is None:
            step.says("nothing to build, no version serves yet")
        elif decision.name is EngineChoice.KERAS:
            step.says(f"keras. {decision.reason}")
        elif is_built(settings, space):
            step.says(f"openvino, built before. {decision.reason}")
        else:
            step.detail("building, about 20 seconds")
            step.says(f"{_build(settings, space)} {decision.reason}")


def champion_space(settings: Settings) -> FeatureSpace | None:
    """The feature space of the version that answers sellers."""
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            version = registry.champion(session)
            return registry.space_of(version) if version else None
    finally:
        database.close()


def is_built(settings: Settings, space: FeatureSpace) -> bool:
    """Whether an engine was published. The worker that loads it checks every byte, and may rebuild it."""
    return (engine_folder(settings, space) / REPORT_FILE).is_file()


def _build(settings: Settings, space: FeatureSpace) -> str:
    try:
        build_in_child(settings, space, None)
    except ParityError as error:
        if settings.engine is not EngineChoice.AUTO:
            raise
        return f"openvino was refused, so the slower keras serves: {error.message}"
    return "openvino, built and compared with keras."
