"""How often somebody may try to sign in: counted in the database, by name and by address.

Every attempt counts before its password is looked at, so that many at the same time are no way around it, and
for names that nobody has as well, so that the answer does not tell who exists.
"""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from sqlalchemy import case, delete, update
from sqlalchemy.orm import Session

from shared.accounts.tokens import digest
from shared.clock import utc_now
from shared.database import insert_if_absent
from shared.tables import SignInAttempt

WINDOW = timedelta(minutes=15)
# OWASP's example for passwords of this length; a link from an administrator is the way around.
PER_NAME = 5
# A shop's people share an address.
PER_ADDRESS = 30


def take(session: Session, name: str, address: str) -> int:
    """Count an attempt. Returns for how many seconds there may be none, 0 when this one may go on."""
    waits = [
        _take(session, _by_name(name), PER_NAME),
        _take(session, _by_address(address), PER_ADDRESS),
    ]
    return max(waits)


def forgive(session: Session, name: str, address: str) -> None:
    """Take back what a successful attempt counted, and what failed before under this name."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.subject == _by_name(name)))
    session.execute(
        update(SignInAttempt)
        .where(SignInAttempt.subject == _by_address(address), SignInAttempt.count > 0)
        .values(count=SignInAttempt.count - 1)
    )


def forget_old(session: Session) -> None:
    """Remove counts that do not matter any more."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.window_ends_at < utc_now()))


def _take(session: Session, subject: str, limit: int) -> int:
    now = utc_now()
    insert_if_absent(session, SignInAttempt, subject=subject, count=0, window_ends_at=now + WINDOW)
    over = SignInAttempt.window_ends_at <= now
    count, ends = session.execute(
        update(SignInAttempt)
        .where(SignInAttempt.subject == subject)
        .values(
            count=case((over, 1), else_=SignInAttempt.count + 1),
            window_ends_at=case((over, now + WINDOW), else_=SignInAttempt.window_ends_at),
        )
        .returning(SignInAttempt.count, SignInAttempt.window_ends_at)
    ).one()
    return ceil((ends - now).total_seconds()) if count > limit else 0


# People type passwords into the wrong field, and addresses are personal: of both only a digest is kept.
def _by_name(name: str) -> str:
    return digest(f"name:{name.strip().casefold()}")


def _by_address(address: str) -> str:
    return digest(f"address:{address}")
