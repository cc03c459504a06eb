"""Import OpenVINO without its telemetry."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

TELEMETRY = "openvino_telemetry"


def import_openvino() -> Any:
    """Return the module `openvino`, imported so that it can tell nobody about it.

    On import already, OpenVINO would send an event to a statistics service and write into the home folder. It
    does without when its telemetry package is not installed, so the import of that package is made to fail.

    Raises:
        RuntimeError: something else in this process imported OpenVINO with its telemetry before.
    """
    if isinstance(sys.modules.get(TELEMETRY), ModuleType):
        raise RuntimeError(
            "OpenVINO was imported with its telemetry. Import it through import_openvino only."
        )
    # None in sys.modules makes `import` raise ModuleNotFoundError (Python reference, section 5.3.1).
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    return importlib.import_module("openvino")
