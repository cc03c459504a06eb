"""Job kinds, job states and the one table of allowed moves."""

from __future__ import annotations

from enum import StrEnum


class JobKind(StrEnum):
    """What a job does."""

    CLASSIFY = "classify"  # one photo, one answer
    TRAIN = "train"  # a dataset version and hyper-parameters in, a model version out
    SWEEP = "sweep"  # many trainings over a plan, the best one a model version
    REPORT = "report"  # a dataset version in, what is wrong with its photos out
    QUANTIZE = "quantize"  # a model version in, whether its int8 engine may serve out
    RESCORE = "rescore"  # two model versions in, what both answer for the same test photos out
    IMAGENET = "imagenet"  # the untouched network's own 1000 labels in, a diagnostic version out
    TRY = "try"  # a photo and some model versions in, what each of them answers out


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"  # accepted, waits for a worker or for its run_after
    RUNNING = "running"  # an attempt holds a lease on it
    SUCCEEDED = "succeeded"  # it has its one effective result
    FAILED = "failed"  # a permanent error, or attempts used up on transient ones
    CANCELLED = "cancelled"  # somebody asked it to stop and it did
    QUARANTINED = "quarantined"  # it took its worker down on every attempt; a person has to look


TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUARANTINED})
ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})

# running -> queued is taken by the reaper, by a recorded retry and by a worker that stops in an orderly way.
MOVES: frozenset[tuple[JobState, JobState]] = frozenset(
    {
        (JobState.QUEUED, JobState.RUNNING),
        (JobState.QUEUED, JobState.CANCELLED),
        (JobState.RUNNING, JobState.QUEUED),
        (JobState.RUNNING, JobState.SUCCEEDED),
        (JobState.RUNNING, JobState.FAILED),
        (JobState.RUNNING, JobState.CANCELLED),
        (JobState.RUNNING, JobState.QUARANTINED),
    }
)


def may_move(before: JobState, after: JobState) -> bool:
    """Whether a job may go from `before` to `after`."""
    return (before, after) in MOVES


class Handling(StrEnum):
    """What became of a job that failed or is in quarantine."""

    OPEN = "open"  # nobody has dealt with it
    RETRIED = "retried"  # a new job took its place
    DISCARDED = "discarded"  # somebody decided that it needs nothing more


class Split(StrEnum):
    """The side of a dataset an example is on. It never changes sides."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class TrialState(StrEnum):
    """Where a trial of a sweep stands."""

    WAITING = "waiting"  # not trained yet, or not to its last epoch
    SUCCEEDED = "succeeded"  # trained to its end
    DROPPED = "dropped"  # successive halving left it behind after a short training
    FAILED = "failed"  # its loss stopped being a number
    SKIPPED = "skipped"  # its sweep ended before its turn
