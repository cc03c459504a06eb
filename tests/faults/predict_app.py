"""`celery -A tests.faults.predict_app`: worker.predict_app with other times, and a photo that kills it."""

from __future__ import annotations

import worker.pixels
from tests.faults.poison import read_or_die
from tests.faults.times import set_times
from worker.predict_app import app

__all__ = ["app"]

set_times()
worker.pixels.read_pixels = read_or_die  # type: ignore[attr-defined]
app.conf.imports = (*app.conf.imports, __name__)  # spawned children read this module, too
