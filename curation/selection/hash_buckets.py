"""The hash bucket of an image, a number in [0, 1) from its id and a salt alone, and the split of each bucket.

The bucket decides the split of an image. It does not depend on any other image, so it stays when new images come. This
is the idea of hash-based splits (Warden 2018, TensorFlow's `which_set`). The 32 hex digits of an id are four words.
They are mixed with the salt by the finalizer of SplitMix64 (Steele, Lea and Flood 2014), whole columns at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params.blocks import Split
from curation.tables.codes import MODEL_SPLITS

TRAIN, VAL, TEST, BENCHMARK = range(len(MODEL_SPLITS))  # numbers of the splits, in the order of MODEL_SPLITS
WIDTH = 32  # bytes
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SplitRanges:
    """Upper ends of the ranges of hash buckets: test from 0, then benchmark, val, and train up to 1."""

    test: float
    benchmark: float
    val: float

    @classmethod
    def of(cls, config: Split) -> "SplitRanges":
        """The ranges for the fractions of params.yaml."""
        return cls(config.test, config.test + config.benchmark, config.test + config.benchmark + config.val)

    def splits(self, buckets: Floats) -> Ints:
        """Number of the split of each bucket, int [n]."""
        ends = np.array([self.test, self.benchmark, self.val])
        return np.array([TEST, BENCHMARK, VAL, TRAIN])[np.searchsorted(ends, buckets, side="right")]


def buckets(texts: "pd.Series | pd.Index | Sequence[str]", salt: str) -> Floats:
    """Hash bucket of each text, float64 [n] in [0, 1)."""
    words = _fixed(texts).view("<u8").reshape(-1, WIDTH // 8)
    key = int.from_bytes(blake2b(salt.encode("utf-8"), digest_size=8).digest(), "little")
    state = np.full(len(words), key, dtype=np.uint64)
    for column in range(words.shape[1]):
        state = _mix(state ^ words[:, column])
    return np.asarray((state >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _fixed(texts: "pd.Series | pd.Index | Sequence[str]") -> NDArray[np.bytes_]:
    """Texts as bytes of one width; a longer text is replaced by its digest."""
    column = np.asarray(texts, dtype=object)
    try:
        raw = column.astype("S")
    except UnicodeEncodeError:
        raw = np.array([text.encode("utf-8") for text in column], dtype="S")
    if raw.dtype.itemsize > WIDTH:
        digests = [text if len(text) <= WIDTH else blake2b(text, digest_size=16).hexdigest().encode() for text in raw]
        raw = np.array(digests, dtype="S")
    return raw.astype(f"S{WIDTH}")


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)))
