"""Shadows: versions that answer every new photo silently, beside the champion and on the same features.

Any name that is `shadow` or begins with `shadow-` makes its version one. Sellers notice nothing of it: its
answers are kept as predictions, and `shared.models.live_comparison` puts them beside the champion's.
"""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shared.errors import ConflictError
from shared.models import registry
from shared.tables import Alias, ModelVersion

SHADOW = "shadow"


def is_shadow(name: str) -> bool:
    """Whether this name lets its version answer silently."""
    return name == SHADOW or name.startswith(f"{SHADOW}-")


def named(session: Session) -> list[ModelVersion]:
    """The versions that shall answer silently, by number."""
    names = select(Alias.version).where(or_(Alias.name == SHADOW, Alias.name.startswith(f"{SHADOW}-")))
    query = select(ModelVersion).where(ModelVersion.number.in_(names)).order_by(ModelVersion.number)
    return list(session.scalars(query))


def beside(served: ModelVersion, versions: list[ModelVersion]) -> list[ModelVersion]:
    """Those of `versions` that can answer from what the served one's network sees, without the served one."""
    space = registry.space_of(served)
    return [
        version
        for version in versions
        if version.number != served.number and registry.space_of(version) == space
    ]


def require_same_space(session: Session, version: ModelVersion) -> None:
    """Check that a version sees photos as the champion does, so that it can answer beside it.

    Raises:
        ConflictError: it does not, or there is no champion.
    """
    champion = registry.champion(session)
    if champion is None:
        raise ConflictError(
            "No version answers sellers now, so none can answer beside it. Promote one first."
        )
    if registry.space_of(champion) != registry.space_of(version):
        raise ConflictError(
            f"Version {version.number} sees photos otherwise than version {champion.number}: it has another "
            "image size, or fine-tuned layers. A shadow answers from what the champion's network sees. "
            "Compare the two on test photos instead, or choose a name that does not begin with shadow."
        )
