"""What the overview looks like to programs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from shared.clock import rfc3339
from shared.overview.figures import Bin, Done, Window
from shared.overview.tally import Tally
from web.api.operator_schemas import QueuesOut
from web.api.schemas import CheckOut, Input


class OverviewQuery(Input):
    """How far back to look."""

    window: Window = Window.DAY


class MatterOut(BaseModel):
    """Something that needs somebody: broken, worth a look, or waiting for a decision."""

    code: str
    level: Literal["bad", "warn", "decide"]
    text: str
    count: int | None = Field(description="How many rows the page lists, where it is a list.")
    page: str = Field(description="Where to see to it.")


class TallyOut(BaseModel):
    """What became of photos within some time. Waits are right to 5 %, null where no photo was looked at."""

    answered: int
    failed: int
    quarantined: int
    cancelled: int
    asked: int = Field(description="Answers that left the choice to the seller.")
    median_seconds: float | None = Field(description="From the upload to the answer.")
    p95_seconds: float | None

    @classmethod
    def of(cls, tally: Tally) -> TallyOut:
        """The public view of a tally."""
        return cls(
            answered=tally.answered,
            failed=tally.ended["failed"],
            quarantined=tally.ended["quarantined"],
            cancelled=tally.ended["cancelled"],
            asked=tally.asked,
            median_seconds=tally.wait_seconds(0.5),
            p95_seconds=tally.wait_seconds(0.95),
        )


class BinOut(TallyOut):
    """A part of the window."""

    since: str
    until: str

    @classmethod
    def of_bin(cls, one: Bin) -> BinOut:
        """The public view of a bin."""
        moments = {"since": rfc3339(one.since), "until": rfc3339(one.until)}
        return cls.model_validate({**TallyOut.of(one.tally).model_dump(), **moments})


class CategoryFiguresOut(BaseModel):
    """One category: its answers, its share of them and of the photos the champion learned from, and for how
    many listings sellers decided where it was suggested."""

    category: str
    answered: int
    asked: int
    mix: float | None
    trained_mix: float | None
    decided: int
    corrected: int


class VersionFiguresOut(BaseModel):
    """What one version answered."""

    version: int
    answered: int
    asked: int


class ChangeOut(BaseModel):
    """A version became champion."""

    version: int | None
    created_at: str


class DoneOut(BaseModel):
    """What was done within the window. `shift` is the share of answers that would have to be of another
    category for their mix to equal that of the champion's training photos."""

    window: Window
    since: str
    total: TallyOut
    bins: list[BinOut]
    categories: list[CategoryFiguresOut]
    shift: float | None
    versions: list[VersionFiguresOut]
    champion_changes: list[ChangeOut]

    @classmethod
    def of(cls, done: Done) -> DoneOut:
        """The public view of what was done."""
        return cls(
            window=done.window,
            since=rfc3339(done.since) or "",
            total=TallyOut.of(done.total),
            bins=[BinOut.of_bin(one) for one in done.bins],
            categories=[
                CategoryFiguresOut.model_validate(row, from_attributes=True) for row in done.categories
            ],
            shift=done.shift,
            versions=[VersionFiguresOut.model_validate(row, from_attributes=True) for row in done.versions],
            champion_changes=[
                ChangeOut(version=change.after, created_at=rfc3339(change.created_at) or "")
                for change in done.changes
            ],
        )


class DiskOut(BaseModel):
    """The disk of the data folder, in bytes."""

    free: int
    total: int


class OverviewOut(QueuesOut):
    """How everything stands, what needs somebody, and what was done."""

    now: str
    champion: int | None
    int8_since: str | None = Field(
        description="When it passed the check of 8 bits; null where it answers in full precision."
    )
    matters: list[MatterOut] = Field(description="The worst first; empty when all is well.")
    checks: dict[str, CheckOut]
    disk: DiskOut
    done: DoneOut
