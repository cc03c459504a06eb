"""Writers wait in turn, and nobody else waits with them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

from sqlalchemy import func, select

from shared import accounts
from shared.database import Database
from shared.tables import User

# As many threads as a web process has; more than it has connections.
THREADS = 32


def test_reading_goes_on_while_dozens_wait_to_write_and_all_of_them_get_their_turn(
    database: Database,
) -> None:
    waiting = threading.Barrier(THREADS + 1)

    def add(number: int) -> None:
        waiting.wait()
        with database.write() as session:
            accounts.add_user(session, f"Seller {number}", "seller")

    with ThreadPoolExecutor(THREADS) as pool:
        with database.write() as session:
            accounts.add_user(session, "First", "seller")
            writers = [pool.submit(add, number) for number in range(THREADS)]
            waiting.wait()
            if database.url.startswith("sqlite"):  # the only one where they wait for the one who writes
                assert not wait(writers, timeout=0.2).done
            assert _people(database) == 0
        for writer in writers:
            writer.result()
    assert _people(database) == THREADS + 1


def _people(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0
