"""One answer for several photos of the same item, from the answers for each of them.

The probabilities are averaged (a linear opinion pool: M. Stone, "The opinion pool", Annals of Mathematical
Statistics 32 (1961) 1339-1342). Multiplying them, a logarithmic pool, would take each photo for independent
evidence: five photos of one shirt would then be far surer than any of them deserves, and one photo of a care
label that says "surely a hat" could veto all others. The mean of calibrated answers is never surer than its
surest photo, and photos that contradict each other lead to a question instead of a guess.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.models.answer import Answer, Ranked, top_k


def pooled(answers: Sequence[Sequence[Ranked]], classes: Sequence[str]) -> Answer:
    """The answer for an item whose photos were answered one by one; its `top` ranks all `classes`.

    Each answer lists categories with calibrated probabilities, at least the most probable ones. What an
    answer leaves open is spread evenly over the classes it does not name.

    Raises:
        ValidationError: there is no answer, or no class.
    """
    rows = np.array([_probabilities(answer, classes) for answer in answers], dtype=np.float64)
    mean = rows.mean(axis=0) if len(rows) else rows
    return top_k(mean, classes, max(1, len(classes)))


def _probabilities(answer: Sequence[Ranked], classes: Sequence[str]) -> npt.NDArray[np.float64]:
    named = {ranked.category: ranked.probability for ranked in answer}
    unnamed = len(classes) - len(named.keys() & set(classes))
    rest = max(0.0, 1.0 - sum(named.get(name, 0.0) for name in classes))
    row = np.array([named.get(name, rest / max(unnamed, 1)) for name in classes], dtype=np.float64)
    total: float = max(row.sum(), np.finfo(np.float64).tiny)
    return np.divide(row, total)
