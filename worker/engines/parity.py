"""Does an engine answer as Keras does in float32? Until it was shown that it does, it may not serve."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from shared.errors import ParityError
from shared.models.feature_space import FeatureSpace

# Two float32 engines agree to a relative error near 1e-6 on clothing photos; half precision to a few 1e-3. A
# wrong scaling, channel order or padding gives 0.1 and more. Both bounds lie well between the two.
MIN_COSINE = 0.9999
MAX_RELATIVE_ERROR = 0.01
# When the reference itself gives different pictures the same features, agreement proves nothing.
MIN_REFERENCE_SPREAD = 0.01


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an engine's features lie from the reference, in the worst of `pictures` pictures.

    `min_cosine` is the cosine between the two answers, `max_relative_error` the length of their difference
    over the length of the reference, `reference_spread` the mean distance of the reference's answers from
    their mean, over the length of that mean.
    """

    pictures: int
    min_cosine: float
    max_relative_error: float
    reference_spread: float

    @property
    def passed(self) -> bool:
        """True when the engine may serve. False also for numbers that are not numbers."""
        return (
            self.min_cosine >= MIN_COSINE
            and self.max_relative_error <= MAX_RELATIVE_ERROR
            and self.reference_spread >= MIN_REFERENCE_SPREAD
        )

    def require(self, engine: str) -> None:
        """Raise ParityError, naming `engine`, unless `passed`."""
        if not self.passed:
            raise ParityError(
                f"The answers of {engine} differ too much from Keras in float32, or Keras' own hardly "
                f"differ between pictures: {self}. The cosine must be at least {MIN_COSINE}, the relative "
                f"error at most {MAX_RELATIVE_ERROR}, the spread at least {MIN_REFERENCE_SPREAD}. It may not "
                "serve; choose another HANGTAG_ENGINE and report this."
            )


def compare(reference: npt.NDArray[np.float32], candidate: npt.NDArray[np.float32]) -> Parity:
    """Compare the features (n, 2048) of the same n pictures from two engines.

    Raises:
        ValueError: the shapes differ.
    """
    if reference.shape != candidate.shape:
        raise ValueError(f"The engines answer in different shapes: {reference.shape} and {candidate.shape}.")
    wanted, given = reference.astype(np.float64), candidate.astype(np.float64)
    length = np.linalg.norm(wanted, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a zero vector gives nan, which does not pass
        cosine = (wanted * given).sum(axis=1) / (length * np.linalg.norm(given, axis=1))
        relative = np.linalg.norm(wanted - given, axis=1) / length
        mean = wanted.mean(axis=0)
        spread = np.linalg.norm(wanted - mean, axis=1).mean() / np.linalg.norm(mean)
    return Parity(len(wanted), float(cosine.min()), float(relative.max()), float(spread))


@dataclass(frozen=True, slots=True)
class ParityReport:
    """The proof that lies beside a built engine, bound to the files that it was made for.

    `files` maps file names to the SHA-256 of their bytes; `source` says which pictures were compared.
    """

    feature_space: FeatureSpace
    engine_version: str
    files: Mapping[str, str]
    source: str
    parity: Parity

    def to_json(self) -> str:
        """The report as text for people and for `from_json`."""
        return json.dumps({**asdict(self), "passed": self.parity.passed}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ParityReport:
        """Read a report. Whether it passed is worked out anew from its numbers.

        Raises:
            ParityError: the text is no such report.
        """
        try:
            raw = json.loads(text)
            return cls(
                feature_space=FeatureSpace(**raw["feature_space"]),
                engine_version=str(raw["engine_version"]),
                files={str(name): str(digest) for name, digest in raw["files"].items()},
                source=str(raw["source"]),
                parity=Parity(**raw["parity"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ParityError(f"The parity report of an engine cannot be read: {error!r}.") from error
