"""Report: look at every photo of a dataset version for what would spoil a training or flatter its test."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from PIL import Image

from shared.blobs import photo_key, sha256
from shared.datasets import reports
from shared.datasets.findings import MAX_LEAKED, MIN_SIDE, Finding
from shared.datasets.store import Line
from shared.datasets.withdrawn import usable_lines
from shared.errors import BlobMissingError, PermanentError
from shared.jobs import store
from shared.jobs.states import JobKind, Split
from shared.jobs.store import Progress
from shared.models import registry
from shared.models.feature_space import FeatureSpace
from shared.tables import Job
from worker.attempt import run_attempt
from worker.context import WorkerContext
from worker.doubtful_labels import Doubt, doubtful_labels
from worker.engines.choose import load_engine, require_servable
from worker.extract import ensure_features
from worker.lease import Lease
from worker.near_duplicates import NearPair, near_pairs
from worker.pixels import stored_pixels
from worker.stopping import PlannedStop
from worker.training.feature_store import FeatureStore, features_folder

# Photos between two progress reports.
REPORT_EVERY = 200
# Of each finding; the page shows some of them, nobody works through more at a time.
MOST_PHOTOS = 200
# Cosine of the features at 150 px. Of the 3,781 clothing photos one pair lies above 0.96, at 0.999: the same
# picture under two labels. The next, down from 0.955, are different jeans on the same hanger.
NEARLY_THE_SAME = 0.97
# New labels are few beside the photos of earlier trainings, and the next one needs their features anyway.
# Where more are missing, computing them is left to it.
MOST_MISSING = 0.2


@dataclass(slots=True)
class _Seen:
    """What the files of the photos told."""

    unreadable: list[str] = field(default_factory=list)
    tiny: list[str] = field(default_factory=list)


def run_report(context: WorkerContext, job_id: str, stop: PlannedStop) -> None:
    """Claim a report job, carry it out and record how it ended; does nothing if it is not there to take."""
    run_attempt(context, JobKind.REPORT, job_id, stop, _look)


def _look(context: WorkerContext, job: Job, lease: Lease) -> None:
    number = job.payload["dataset_version"]
    with context.database.read() as session:
        usable, _ = usable_lines(session, number)  # what was deleted since is no damage
        spaces = dict.fromkeys(registry.space_of(version) for version in registry.versions(session))
    lines = [line for split in Split for line in usable[split]]
    seen = _files(context, lines, lease)
    findings = [*_about_files(seen)]
    readable = [line for line in lines if line.digest not in set(seen.unreadable)]
    space = _nearly_covering(context, spaces, readable)
    if space is not None:
        findings += _compared(context, space, readable, lease)
    with context.database.write() as session:
        if store.renew(session, job.id, job.attempt):
            store.cancelled(session, job.id, job.attempt)
            return
        reports.record(session, number, findings, space.key if space else None)
        store.succeed(session, job.id, job.attempt, {"dataset_version": number, "findings": len(findings)})


def _files(context: WorkerContext, lines: Sequence[Line], lease: Lease) -> _Seen:
    """Read every photo once: is it there, is it what its digest says, is there enough to see?"""
    seen = _Seen()
    for place, line in enumerate(lines):
        if place % REPORT_EVERY == 0:
            lease.check()
            lease.report(Progress("photos", place, len(lines)))
        try:
            data = context.blobs.get(photo_key(line.digest))
        except BlobMissingError:
            seen.unreadable.append(line.digest)
            continue
        if sha256(data) != line.digest:
            seen.unreadable.append(line.digest)
        elif min(Image.open(io.BytesIO(data)).size) < MIN_SIDE:
            seen.tiny.append(line.digest)
    return seen


def _nearly_covering(
    context: WorkerContext, spaces: Collection[FeatureSpace], lines: Sequence[Line]
) -> FeatureSpace | None:
    """The coarsest feature space in which this worker keeps the features of nearly all photos."""
    digests = [line.digest for line in lines]
    for space in sorted(spaces, key=lambda space: space.image_size):
        missing = FeatureStore(features_folder(context.settings), space).missing(digests)
        few = len(missing) <= MOST_MISSING * len(digests)
        if not missing or (few and _may_be_computed(context, space)):
            return space
    return None


def _may_be_computed(context: WorkerContext, space: FeatureSpace) -> bool:
    """Whether this release computes such features; those of other base weights are only kept."""
    try:
        require_servable(context.settings, space)
    except PermanentError:
        return False
    return True


def _compared(
    context: WorkerContext, space: FeatureSpace, lines: Sequence[Line], lease: Lease
) -> list[Finding]:
    """What photos say about each other, by their features; those that are missing are computed and kept."""
    digests = [line.digest for line in lines]
    kept = FeatureStore(features_folder(context.settings), space)
    if kept.missing(digests):
        engine = load_engine(context.settings, space, check=lease.check)
        read = stored_pixels(context.blobs, space.image_size)
        ensure_features(engine, kept, read, digests, lease.report)
    lease.report(Progress("comparing", 0, 1))
    features = kept.read(digests)
    found = _about_pairs(lines, near_pairs(features, NEARLY_THE_SAME, [line.split for line in lines]))
    doubts = doubtful_labels(features, [line.label for line in lines])
    return [*found, *_about_doubts(lines, doubts)]


def _about_files(seen: _Seen) -> list[Finding]:
    found = []
    if seen.unreadable:
        count = len(seen.unreadable)
        detail = (
            f"The files of {count:,} photos are gone or damaged. Restore them, or import the photos again."
        )
        found.append(_finding("unreadable", "blocks", detail, seen.unreadable))
    if seen.tiny:
        detail = f"{len(seen.tiny):,} photos have a side below {MIN_SIDE} pixels and show little."
        found.append(_finding("tiny", "warns", detail, seen.tiny))
    return found


def _about_pairs(lines: Sequence[Line], pairs: Sequence[NearPair]) -> list[Finding]:
    """Near-duplicates that flatter the test, that contradict each other, or that count twice."""
    both = [(lines[pair.first], lines[pair.second]) for pair in pairs]
    leaked = [pair for pair in both if {line.split for line in pair} == {Split.TRAIN, Split.TEST}]
    conflicting = [(first, second) for first, second in both if first.label != second.label]
    repeated = [pair for pair in both if all(line.split is Split.TRAIN for line in pair)]
    tested = sum(line.split is Split.TEST for line in lines)
    found = []
    if leaked:
        found.append(_leaked(leaked, tested))
    if conflicting:
        detail = f"{_pairs(conflicting)} of photos that look nearly the same with different labels."
        found.append(_finding("conflicting", "warns", detail, _digests(conflicting)))
    if repeated:
        detail = f"{_pairs(repeated)} of training photos that look nearly the same and so count twice."
        found.append(_finding("near_duplicates", "warns", detail, _digests(repeated)))
    return found


def _about_doubts(lines: Sequence[Line], doubts: Sequence[Doubt]) -> list[Finding]:
    if not doubts:
        return []
    count = len(doubts)
    photos = "One photo looks" if count == 1 else f"{count:,} photos look"
    detail = f"{photos} clearly like another category than the label says. Look whether the labels are right."
    found = _finding("doubtful", "warns", detail, [lines[doubt.place].digest for doubt in doubts])
    return [found.model_copy(update={"likely": [doubt.likely for doubt in doubts[:MOST_PHOTOS]]})]


def _leaked(leaked: Sequence[tuple[Line, Line]], tested: int) -> Finding:
    photos = {line.digest for pair in leaked for line in pair if line.split is Split.TEST}
    share = len(photos) / tested
    detail = (
        f"{len(photos):,} of {tested:,} test photos ({share * 100:.1f} %) look nearly the same as a training "
        f"photo, so the test flatters. Up to {MAX_LEAKED * 100:.0f} % is let through."
    )
    return _finding("leaked", "blocks" if share > MAX_LEAKED else "warns", detail, _digests(leaked))


def _pairs(pairs: Sequence[tuple[Line, Line]]) -> str:
    return "One pair" if len(pairs) == 1 else f"{len(pairs):,} pairs"


def _digests(pairs: Sequence[tuple[Line, Line]]) -> list[str]:
    return [line.digest for pair in pairs for line in pair]


def _finding(name: str, level: str, detail: str, photos: Sequence[str]) -> Finding:
    return Finding.model_validate(
        {"name": name, "level": level, "detail": detail, "photos": photos[:MOST_PHOTOS]}
    )
