"""`celery -A tests.faults.train_app`: worker.train_app with other times."""

from __future__ import annotations

from tests.faults.times import set_times
from worker.train_app import app

__all__ = ["app"]

set_times()
app.conf.imports = (*app.conf.imports, __name__)  # spawned children read this module, too
