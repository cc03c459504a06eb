"""Moving names between versions: the champion through the gate, others freely, every move remembered."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.audit import Action
from shared.blobs import BlobStore
from shared.database import Database
from shared.errors import ConflictError, NotFoundError, PromotionRefusedError, ValidationError
from shared.models import registry, shadows
from shared.models.gate import judge
from shared.models.registry import CHAMPION
from shared.tables import Alias, AliasChange

NAME = re.compile(r"^[a-z][a-z0-9-]{0,59}$")


def promote(session: Session, number: int, actor: str, reason: str, *, override: bool = False) -> bool:
    """Let a version answer sellers from now on, if the gate lets it or a person overrides the gate.

    Returns:
        False when it is the champion already; then there is nothing to judge and nothing to remember.

    Raises:
        NotFoundError: there is no such version.
        DiagnosticVersionError: it is one for looking at only; no override helps.
        ValidationError: the reason is missing or too long.
        PromotionRefusedError: a check failed and it was not overridden.
    """
    version, champion = registry.find_trained(session, number), registry.champion(session)
    if champion is not None and champion.number == number:
        return False
    verdict = judge(session, version, champion)
    if not verdict.passed:
        if not override:
            raise PromotionRefusedError(number, {check.name: check.detail for check in verdict.failed})
        verdict = verdict.model_copy(update={"overridden": True})
    registry.promote(session, number, actor, reason, verdict.model_dump(mode="json"))
    return True


def rollback(session: Session, actor: str, reason: str) -> AliasChange:
    """Let the version answer that answered before this one was promoted. The gate is not asked: the way back
    is always open. The next rollback leads further back, never to what was just left.

    Raises:
        NotFoundError: no version answered before.
        ValidationError: the reason is missing or too long.
    """
    number = previous_champion(session)
    if number is None:
        first = registry.champion(session)
        if first is None:
            raise NotFoundError("There is no champion yet, so there is nothing to go back to.")
        raise NotFoundError(
            f"Version {first.number} was the first champion; there is nothing further back. "
            "To let another one answer: hangtag promote N."
        )
    return registry.promote(session, number, actor, reason, action=Action.ROLLED_BACK)


def require_files(database: Database, blobs: BlobStore, number: int) -> None:
    """Check that a version could serve, before the transaction that lets it: fine-tuned layers are tens of
    megabytes, and on SQLite every seller's upload waits for a transaction that writes. Files never change.

    Raises:
        NotFoundError: there is no such version.
        ChecksumError: a file of it is gone, or not the one that was registered.
    """
    with database.read() as session:
        version = registry.find(session, number)
    registry.require_intact(blobs, version)


def require_way_back(database: Database, blobs: BlobStore) -> None:
    """Check the same of the version that a rollback would lead to.

    Raises:
        ChecksumError: a file of it is gone, or not the one that was registered.
    """
    with database.read() as session:
        number = previous_champion(session)
    if number is not None:
        require_files(database, blobs, number)


def previous_champion(session: Session) -> int | None:
    """The version that answered before the present one was promoted, if any did."""
    changes = session.scalars(
        select(AliasChange).where(AliasChange.name == CHAMPION).order_by(AliasChange.id)
    )
    path: list[int | None] = []  # of versions on which the present one stands
    for change in changes:
        if change.gate is None and change.after in path[-2:-1]:  # a rollback: no gate was asked
            path.pop()
        elif change.after not in path[-1:]:
            path.append(change.after)
    return path[-2] if len(path) > 1 else None


def point(session: Session, name: str, number: int, actor: str, reason: str) -> AliasChange:
    """Let a name other than the champion's mean a version. Sellers notice nothing of it.

    By a shadow's name (`shared.models.shadows`) it answers new photos silently from now on.

    Raises:
        NotFoundError: there is no such version.
        ConflictError: the name is a shadow's, and the version cannot answer beside the champion.
        ValidationError: name or reason cannot be used.
    """
    if name == CHAMPION:
        raise ConflictError("The champion is moved by promoting a version, through the gate.")
    if not NAME.match(name):
        raise ValidationError(
            "A name has up to 60 small letters, digits and hyphens and begins with a letter, like shadow-299."
        )
    if shadows.is_shadow(name):
        shadows.require_same_space(session, registry.find_trained(session, number))
    return registry.move(session, name, number, actor, reason)


def remove(session: Session, name: str, actor: str, reason: str) -> AliasChange:
    """Take a name other than the champion's away.

    Raises:
        NotFoundError: there is no such name.
        ConflictError: it is the champion's; sellers need one.
    """
    if name == CHAMPION:
        raise ConflictError("Sellers need a champion. Promote another version instead.")
    alias = session.get(Alias, name, with_for_update=True)
    if alias is None:
        raise NotFoundError(f"No version is called {name[:60]!r}.")
    change = AliasChange(
        name=name, before=alias.version, after=None, actor=actor, reason=registry.checked_reason(reason)
    )
    session.delete(alias)
    session.add(change)
    session.flush()
    return change
