"""What goes in and out of the API about versions, their evaluation and their names."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from shared.clock import rfc3339
from shared.models.comparison import Comparison, Outcome, Pair
from shared.models.evaluation import Evaluation
from shared.models.gate import Check
from shared.models.live_comparison import LiveComparison
from shared.models.notes import MAX_NOTE_CHARACTERS
from shared.public_views import AliasChangeOut
from shared.tables import VersionNote
from web.api.schemas import Input


class ReasonIn(Input):
    """Why."""

    reason: str = Field(min_length=1, max_length=500)


class RemovalQuery(Input):
    """Why a name is taken away, short enough for an address."""

    reason: str = Field("Taken away.", min_length=1, max_length=120)


class AliasIn(ReasonIn):
    """Which version a name shall mean, and why."""

    version: int = Field(ge=1, le=2**31 - 1)


class PromotionIn(AliasIn):
    """Which version shall answer sellers, and why."""

    override: bool = Field(False, description="Promote even if the gate refuses; the reason says why.")


class AliasesOut(BaseModel):
    """Every name and the version it means."""

    aliases: dict[str, int]


class AliasHistoryOut(BaseModel):
    """Every move of a name, newest first."""

    changes: list[AliasChangeOut]


class EvaluationOut(BaseModel):
    """The figures of a version. Those on validation photos are optimistic: the epoch was chosen on them."""

    validation: Evaluation
    test: Evaluation
    speed: dict[str, Any] | None = Field(description="Photos per second, by which engine and where.")


class VerdictOut(BaseModel):
    """What the gate says about a version."""

    version: int
    champion: int | None
    passed: bool
    overridden: bool
    checks: list[Check]


class NoteIn(Input):
    """A note about a version."""

    text: str = Field(min_length=1, max_length=MAX_NOTE_CHARACTERS)


class NoteOut(BaseModel):
    """A note about a version."""

    author: str
    text: str
    created_at: str

    @classmethod
    def of(cls, note: VersionNote) -> NoteOut:
        """The public view of a row."""
        return cls(author=note.author, text=note.text, created_at=rfc3339(note.created_at) or "")


class NotesOut(BaseModel):
    """Notes, newest first."""

    notes: list[NoteOut]


class CompareQuery(Input):
    """Which versions to compare."""

    a: int = Field(ge=1, le=2**31 - 1, description="The version to compare with.")
    b: int = Field(ge=1, le=2**31 - 1, description="The version that is compared.")


class OutcomeOut(BaseModel):
    """How often each is right. `p_value` is of the two-sided exact McNemar test."""

    count: int
    both_right: int
    fixed: int
    broken: int
    both_wrong: int
    accuracy_a: float
    accuracy_b: float
    p_value: float

    @classmethod
    def of(cls, outcome: Outcome) -> OutcomeOut:
        """The public view."""
        return cls.model_validate(outcome, from_attributes=True)


class PairOut(BaseModel):
    """One photo and both answers."""

    digest: str
    truth: str
    answer_a: str
    confidence_a: float
    answer_b: str
    confidence_b: float


class ComparisonOut(BaseModel):
    """Two versions on the same test photos."""

    a: int
    b: int
    dataset_version: int
    trained_elsewhere: list[int] = Field(
        description="Those of the two that may have learned from the photos."
    )
    overall: OutcomeOut
    per_class: dict[str, OutcomeOut]
    fixed: list[PairOut]
    broken: list[PairOut]
    both_wrong: list[PairOut]

    @classmethod
    def of(cls, found: Comparison) -> ComparisonOut:
        """The public view."""
        return cls(
            a=found.a,
            b=found.b,
            dataset_version=found.dataset_version,
            trained_elsewhere=found.trained_elsewhere,
            overall=OutcomeOut.of(found.outcome),
            per_class={name: OutcomeOut.of(outcome) for name, outcome in found.per_class.items()},
            fixed=_pairs(found.fixed),
            broken=_pairs(found.broken),
            both_wrong=_pairs(found.both_wrong),
        )


class DifferenceOut(BaseModel):
    """On how many photos the first version said one category and the second another one."""

    answer_a: str
    answer_b: str
    count: int


class LiveComparisonOut(BaseModel):
    """Two versions on the photos that sellers sent after both were made."""

    a: int
    b: int
    since: str = Field(description="When the younger of the two was made.")
    count: int = Field(description="How many photos both have answered.")
    same: int = Field(description="On how many of them they say the same category.")
    differences: list[DifferenceOut] = Field(
        description="Where they differ, the most frequent first, at most ten."
    )
    sampled: OutcomeOut | None = Field(
        description="On photos that reviewers were shown at random: a fair estimate. Null without any."
    )
    labelled: OutcomeOut | None = Field(
        description="On all that anybody labelled, null without any. Sellers saw what one of the two "
        "suggests when they chose, which speaks for that one."
    )

    @classmethod
    def of(cls, found: LiveComparison) -> LiveComparisonOut:
        """The public view."""
        return cls(
            a=found.a,
            b=found.b,
            since=rfc3339(found.since),
            count=found.count,
            same=found.same,
            differences=[
                DifferenceOut.model_validate(one, from_attributes=True) for one in found.differences
            ],
            sampled=OutcomeOut.of(found.sampled) if found.sampled else None,
            labelled=OutcomeOut.of(found.labelled) if found.labelled else None,
        )


def _pairs(pairs: list[Pair]) -> list[PairOut]:
    return [PairOut.model_validate(pair, from_attributes=True) for pair in pairs]
