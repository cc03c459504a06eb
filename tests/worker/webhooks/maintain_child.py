"""Maintenance as a process, in which a sender counts as dead after a second of silence."""

from __future__ import annotations

from worker import maintain
from worker.webhooks import sender

sender.ABANDONED_SECONDS = 1.0
vars(maintain)["ABANDONED_LOOK_SECONDS"] = 0.2  # how often it looks

if __name__ == "__main__":
    maintain.main()
