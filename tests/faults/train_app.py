"""`celery -A tests.faults.train_app`: worker.train_app with other times."""

from __future__ import annotations

from tests.faults.times import set_times
from worker import report
from worker.train_app import app

__all__ = ["app"]

set_times()
# To random weights all drawn photos look the same; a report that says so would block the next training.
report.NEARLY_THE_SAME = 1.01
app.conf.imports = (*app.conf.imports, __name__)  # spawned children read this module, too
