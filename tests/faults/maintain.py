"""`python -m tests.faults.maintain`: worker.maintain with short times."""

from __future__ import annotations

from tests.faults.short_times import set_short_times
from worker.maintain import main

if __name__ == "__main__":
    set_short_times()
    main()
