"""The versions beside the upright lines of a chart. Lines too close for a word each share one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# In units of the drawing: from a line to its word, and a character where letters are largest, on a phone.
GAP = 4
CHARACTER = 9


@dataclass(frozen=True, slots=True)
class MarkLabel:
    """A word at a place: it begins there, or ends there where `ends`."""

    at: float
    text: str
    ends: bool


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbouring lines with one word: where they stand and the version of each, from left to right."""

    marks: list[tuple[float, int]]

    @property
    def text(self) -> str:
        """All versions while they are two, else from the lowest to the highest."""
        versions = sorted({version for _, version in self.marks})
        if len(versions) > 2:
            return f"v{versions[0]}–v{versions[-1]}"
        return ", ".join(f"v{version}" for version in versions)

    @property
    def width(self) -> float:
        """What the word takes."""
        return CHARACTER * len(self.text)

    def label(self, left: float, right: float) -> MarkLabel:
        """The word behind the lines; before them where that is too far right; over them where both fail."""
        first, last = self.marks[0][0], self.marks[-1][0]
        room = GAP + self.width
        if last + room <= right:
            return MarkLabel(last + GAP, self.text, ends=False)
        return MarkLabel(first - GAP if first - room >= left else right, self.text, ends=True)

    def span(self, left: float, right: float) -> tuple[float, float]:
        """What lines and word take from left to right."""
        word = self.label(left, right)
        other_end = word.at - self.width if word.ends else word.at + self.width
        edges = [self.marks[0][0], self.marks[-1][0], word.at, other_end]
        return min(edges), max(edges)


def mark_labels(marks: Sequence[tuple[float, int]], left: float, right: float) -> list[MarkLabel]:
    """Words for lines, none of which lies on another word or its lines, between the edges of a drawing."""
    groups: list[_Group] = []
    for mark in sorted(marks):
        group = _Group([mark])
        while groups and groups[-1].span(left, right)[1] > group.span(left, right)[0]:
            group = _Group([*groups.pop().marks, *group.marks])
        groups.append(group)
    return [group.label(left, right) for group in groups]
