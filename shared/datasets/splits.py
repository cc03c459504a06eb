"""On which side of a dataset a new photo lands: decided by the photo alone, once and for ever."""

from __future__ import annotations

import hashlib

from shared.jobs.states import Split

# Of a hundred new photos: enough of both to measure with, most to learn from.
TEST_PERCENT = 15
VALIDATION_PERCENT = 15
# Hashed in front of the digest: other rules that read the digest's own bits stay independent of the sides.
SALT = b"hangtag split 1:"


def split_of(digest: str) -> Split:
    """The side of the photo with this SHA-256 (64 hexadecimal digits).

    The same pixels always land on the same side, however often, by whomever and under whichever label they
    come, so that no photo is ever both learned from and measured with. Photos that were imported with a side
    of their own keep that; this is for those that come without one.
    """
    place = int.from_bytes(hashlib.sha256(SALT + digest.encode("ascii")).digest()[:8], "big") % 100
    if place < TEST_PERCENT:
        return Split.TEST
    if place < TEST_PERCENT + VALIDATION_PERCENT:
        return Split.VALIDATION
    return Split.TRAIN
