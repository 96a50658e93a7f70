"""Compiled loops of the search for near-equal hashes.

numba compiles them on first use. The compiled code is kept in one folder, which all checkouts of the same code share.
Every loop releases Python's interpreter lock, so plain threads use all cores. The join is multi-index hashing (Norouzi,
Punjani and Fleet 2012) on sorted tables: buckets are compared one after the other, so memory is read in order.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import UserProvidedCacheLocator
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

CHUNK = 64  # rows compared at once; if one of them is near, they are compared one by one
CAPACITY = 1 << 17  # pairs a call returns at most
HEAVY_ROOM = 4096  # bucket pairs a call may set aside
DONE = -1


def _code() -> str:
    """Hash of all compiled code of this room: numba itself looks at a function's own file, not at what it calls."""
    texts = (file.read_bytes() for file in sorted(Path(__file__).parent.rglob("*.py")))
    return hashlib.md5(b"".join(text for text in texts if b"@compiled" in text), usedforsecurity=False).hexdigest()[:12]


class SharedCache(UserProvidedCacheLocator):
    """One folder of compiled code for all checkouts of the same code on a machine: in `~/.cache/curation` or XDG's."""

    FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "curation" / f"numba-{_code()}"

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        """The folder under which numba stores a file's compiled code; the path of the checkout is not part of it."""
        return str(cls.FOLDER / Path(py_file).parent.name)


def compiled(function: F) -> F:
    """numba.njit without the interpreter lock. The result is stored in the shared folder, or else beside the code."""
    config: Any = numba.config
    before = config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES
    config.CACHE_DIR = str(SharedCache.FOLDER)
    config.CACHE_LOCATOR_CLASSES = f"{__name__}.{SharedCache.__name__},InTreeCacheLocator"
    try:
        return cast("F", numba.njit(cache=True, nogil=True)(function))
    finally:
        config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = before


@intrinsic
def _popcount(typingctx: Any, value: Any) -> Any:  # noqa: ARG001
    """Number of set bits of a uint64, as the processor's own instruction."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(args[0])

    return numba.types.uint64(numba.types.uint64), codegen


popcount: Callable[[Any], Any] = cast("Any", _popcount)


@compiled
def bucket_keys(hashes: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Gather the bits at `positions` of every hash [n, words] into one uint32 key."""
    n = hashes.shape[0]
    keys = np.zeros(n, np.uint32)
    for row in range(n):
        key = np.uint32(0)
        for index in range(positions.shape[0]):
            bit = positions[index]
            word = hashes[row, bit >> 6]
            key |= np.uint32((word >> np.uint64(bit & 63)) & np.uint64(1)) << np.uint32(index)
        keys[row] = key
    return keys


@compiled
def bucket_sort(keys: np.ndarray, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """Counting sort: (starts [buckets + 1], rows in the order of their key)."""
    starts = np.zeros(buckets + 1, np.int64)
    for key in keys:
        starts[key + 1] += 1
    for b in range(buckets):
        starts[b + 1] += starts[b]
    cursor = starts[:-1].copy()
    rows = np.empty(keys.shape[0], np.int32)
    for row in range(keys.shape[0]):
        key = keys[row]
        rows[cursor[key]] = row
        cursor[key] += 1
    return starts, rows


@compiled
def distance(x: np.ndarray, y: np.ndarray) -> int:
    """Hamming distance of two hashes of the same number of words."""
    total = np.uint64(0)
    for word in range(x.shape[0]):
        total += popcount(x[word] ^ y[word])
    return np.int64(total)  # type: ignore[return-value]


@compiled
def seen_before(x: np.ndarray, y: np.ndarray, masks: np.ndarray, limits: np.ndarray) -> bool:
    """Whether an earlier block has reported this pair: each pair is reported by the first block that can find it."""
    for k in range(masks.shape[0]):
        total = np.uint64(0)
        for word in range(x.shape[0]):
            total += popcount((x[word] ^ y[word]) & masks[k, word])
        if np.int64(total) <= limits[k]:
            return True
    return False


@compiled
def any_within(x: np.ndarray, hashes: np.ndarray, low: int, high: int, radius: int) -> bool:
    """Whether one of hashes[low:high] lies within the radius of x; no branch inside, so that it is vectorised."""
    hits: Any = 0
    if x.shape[0] == 1:
        one = x[0]
        for t in range(low, high):
            hits += popcount(one ^ hashes[t, 0]) <= np.uint64(radius)
    else:
        for t in range(low, high):
            hits += distance(x, hashes[t]) <= radius
    return bool(hits > 0)


# left, right: (starts, rows, hashes sorted by key [n, words]).
# search: (flips to reach each neighbour, masks and limits of earlier blocks, radius, whether left and right are one
#     table, number of comparisons from which a bucket pair is set aside).
# state: int64 [5] = first bucket, end bucket, flip, row, column to continue from, because the loop stops early when a
#     buffer is full; the first bucket is DONE at the end.
# out: int32 [CAPACITY, 3] receives (left row, right row, distance).
# heavy: int64 [HEAVY_ROOM, 2] receives (bucket, flip).
@compiled
def join_buckets(  # noqa: C901, PLR0912 - one flat loop: a call inside would cost more than the comparison itself
    left: tuple[np.ndarray, np.ndarray, np.ndarray],
    right: tuple[np.ndarray, np.ndarray, np.ndarray],
    search: tuple[np.ndarray, np.ndarray, np.ndarray, int, bool, int],
    state: np.ndarray,
    out: np.ndarray,
    heavy: np.ndarray,
) -> tuple[int, int]:
    """Compare buckets of `left` with their neighbours in `right`; return how many rows `out` and `heavy` received."""
    starts, rows, hashes = left
    other_starts, other_rows, other_hashes = right
    flips, masks, limits, radius, same, too_many = search
    found, aside = 0, 0
    first, end = state[0], state[1]
    for b in range(first, end):
        a0, a1 = starts[b], starts[b + 1]
        if a0 == a1:
            continue
        for f in range(state[2] if b == first else 0, flips.shape[0]):
            c = b ^ flips[f]
            if same and c < b:
                continue
            c0, c1 = other_starts[c], other_starts[c + 1]
            if c0 == c1:
                continue
            resumed = b == first and f == state[2] and (state[3] >= 0)
            if not resumed and (a1 - a0) * (c1 - c0) > too_many:
                if aside == heavy.shape[0]:
                    state[0], state[2], state[3], state[4] = b, f, -1, -1
                    return found, aside
                heavy[aside, 0], heavy[aside, 1] = b, f
                aside += 1
                continue
            for a in range(state[3] if resumed else a0, a1):
                x = hashes[a]
                begin = state[4] if resumed and a == state[3] else a + 1 if same and c == b else c0
                for t in range(begin, c1, CHUNK):
                    stop = min(t + CHUNK, c1)
                    if found + stop - t > out.shape[0]:
                        state[0], state[2], state[3], state[4] = b, f, a, t
                        return found, aside
                    if not any_within(x, other_hashes, t, stop, radius):
                        continue
                    for u in range(t, stop):
                        d = distance(x, other_hashes[u])
                        if d <= radius and not seen_before(x, other_hashes[u], masks, limits):
                            out[found, 0], out[found, 1], out[found, 2] = rows[a], other_rows[u], d
                            found += 1
    state[0] = DONE
    return found, aside


@compiled
def expand(
    pairs: np.ndarray,
    left: tuple[np.ndarray, np.ndarray],
    right: tuple[np.ndarray, np.ndarray],
    state: np.ndarray,
    out: np.ndarray,
) -> int:
    """Turn pairs of distinct hashes into pairs of the rows that carry them; stop when `out` is full.

    pairs: int32 [k, 3] = (left hash, right hash, distance).
    left, right: (starts, rows): rows[starts[h]:starts[h + 1]] carry hash h.
    state: int64 [3] = pair, index in left, index in right to continue from; pair is DONE at the end.
    Returns the number written.
    """
    starts, rows = left
    other_starts, other_rows = right
    found = 0
    for k in range(state[0], pairs.shape[0]):
        u, v = pairs[k, 0], pairs[k, 1]
        for a in range(max(starts[u], state[1]) if k == state[0] else starts[u], starts[u + 1]):
            again = k == state[0] and a == state[1]
            for t in range(max(other_starts[v], state[2]) if again else other_starts[v], other_starts[v + 1]):
                if found == out.shape[0]:
                    state[0], state[1], state[2] = k, a, t
                    return found
                out[found, 0], out[found, 1], out[found, 2] = rows[a], other_rows[t], pairs[k, 2]
                found += 1
    state[0] = DONE
    return found


@compiled
def expand_own(starts: np.ndarray, rows: np.ndarray, state: np.ndarray, out: np.ndarray) -> int:
    """Pairs (distance 0) of the rows that carry the same hash; state as in `expand`, its first entry a hash."""
    found = 0
    for u in range(state[0], starts.shape[0] - 1):
        for a in range(max(starts[u], state[1]) if u == state[0] else starts[u], starts[u + 1]):
            again = u == state[0] and a == state[1]
            for t in range(max(a + 1, state[2]) if again else a + 1, starts[u + 1]):
                if found == out.shape[0]:
                    state[0], state[1], state[2] = u, a, t
                    return found
                out[found, 0], out[found, 1], out[found, 2] = rows[a], rows[t], 0
                found += 1
    state[0] = DONE
    return found
