"""`python -m tests.worker.webhooks.maintain_child SECONDS`: maintenance as a process of its own.

A sender counts as dead there after so many seconds of silence.
"""

from __future__ import annotations

import sys

from worker import maintain
from worker.webhooks import sender

if __name__ == "__main__":
    sender.ABANDONED_SECONDS = float(sys.argv[1])
    vars(maintain)["ABANDONED_LOOK_SECONDS"] = 0.2  # how often it looks
    maintain.main()
