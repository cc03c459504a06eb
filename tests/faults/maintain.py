"""`python -m tests.faults.maintain`: worker.maintain with other times."""

from __future__ import annotations

from tests.faults.times import set_times
from worker.maintain import main

if __name__ == "__main__":
    set_times()
    main()
