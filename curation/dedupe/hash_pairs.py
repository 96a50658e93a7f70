"""All pairs of hashes within a Hamming radius, exactly, in time nearly linear in their number.

This is multi-index hashing (Norouzi, Punjani and Fleet 2012) as a sort-merge join. Equal hashes are collapsed into one.
The distinct ones are sorted by some of their bits, and every bucket is compared with its neighbours in contiguous
memory. In skewed data some buckets are large: a pair of large buckets is joined again on the bits not used yet.
The pairs come in batches of bounded size, in an order that does not depend on the number of threads.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe import hash_kernels
from curation.dedupe.hash_blocks import Block, flips, make_plan
from curation.engine.processes import count

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]
Triples = NDArray[np.int32]

TOO_MANY = 1 << 22  # a pair of buckets with more comparisons is joined on further bits instead
BATCH = 1 << 18  # most pairs in a batch
PARTS = 8  # tasks for each thread


class Pairs(NamedTuple):
    """A batch of pairs: rows on the left, rows on the right, Hamming distances."""

    left: Ints
    right: Ints
    distance: Ints


class Collapsed(NamedTuple):
    """Distinct hashes [u, words]; rows[starts[k]:starts[k + 1]] carry the k-th."""

    hashes: Hashes
    starts: Ints
    rows: NDArray[np.int32]


class Table(NamedTuple):
    """Hashes sorted by a bucket key: where each bucket starts, the row of each, the hashes themselves."""

    starts: Ints
    rows: NDArray[np.int32]
    hashes: Hashes


class Search(NamedTuple):
    """What a recursive join passes on: the radius, and the blocks whose pairs are already reported."""

    radius: int
    masks: Hashes
    limits: Ints
    same: bool
    threads: int


Tools = tuple[Search, ThreadPoolExecutor]


def pairs_within(hashes: Hashes, radius: int, workers: int = 0) -> Iterator[Pairs]:
    """Yield every pair of rows (left < right) whose hashes differ in at most `radius` bits, each once.

    hashes: uint64 [n, words], n < 2^31. workers: threads; 0 is one for each core.
    Memory: about 40 bytes for each hash of one word.
    """
    one = collapse(hashes)
    for rows in _expand_own(one):
        yield _ordered(rows)
    for found in joined(one.hashes, one.hashes, radius, same=True, workers=workers):
        for rows in _expand(found, one, one):
            yield _ordered(rows)


def pairs_across(queries: Hashes, hashes: Hashes, radius: int, workers: int = 0) -> Iterator[Pairs]:
    """Yield every (query row, row) whose hashes differ in at most `radius` bits, each once."""
    left, right = collapse(queries), collapse(hashes)
    for found in joined(left.hashes, right.hashes, radius, same=False, workers=workers):
        for rows in _expand(found, left, right):
            yield Pairs(*rows.astype(np.int64).T)


def pairs_in_block(left: Hashes, right: Hashes, radius: int, block: Block, workers: int = 0) -> Iterator[Triples]:
    """Yield every (left row, right row, distance) within `radius` bits, of which few differ in the bits of `block`."""
    every = np.arange(64 * left.shape[1], dtype=np.int64)
    search = Search(radius, np.zeros((0, left.shape[1]), np.uint64), np.zeros(0, np.int64), False, count(workers))
    with ThreadPoolExecutor(search.threads) as threads:
        yield from _join_block(left, right, (block, every, radius), (search, threads))


def collapse(hashes: Hashes) -> Collapsed:
    """Group equal hashes: a million images often hold far fewer distinct ones."""
    order = np.lexsort(hashes.T[::-1]).astype(np.int32) if hashes.shape[1] > 1 else _order(hashes[:, 0])
    arranged = hashes[order]
    new = np.ones(len(hashes), np.bool_)
    new[1:] = (arranged[1:] != arranged[:-1]).any(axis=1)
    starts = np.append(np.flatnonzero(new), len(hashes)).astype(np.int64)
    return Collapsed(np.ascontiguousarray(arranged[new]), starts, order)


def joined(left: Hashes, right: Hashes, radius: int, *, same: bool, workers: int = 0) -> Iterator[Triples]:
    """Pairs of distinct hashes as int32 [k, 3]: left row, right row, distance. same: left and right are one table."""
    if not len(left) or not len(right):
        return
    words = left.shape[1]
    search = Search(radius, np.zeros((0, words), np.uint64), np.zeros(0, np.int64), same, count(workers))
    with ThreadPoolExecutor(search.threads) as threads:
        yield from _join(left, right, np.arange(64 * words, dtype=np.int64), radius, (search, threads))


def _order(column: Hashes) -> NDArray[np.int32]:
    return np.argsort(column, kind="stable").astype(np.int32)


def _ordered(rows: Triples) -> Pairs:
    low, high = rows[:, :2].min(axis=1), rows[:, :2].max(axis=1)
    return Pairs(low.astype(np.int64), high.astype(np.int64), rows[:, 2].astype(np.int64))


def _join(left: Hashes, right: Hashes, positions: Ints, rest: int, tools: Tools) -> Iterator[Triples]:
    """Join on the bits at `positions`, where a pair may differ in `rest` bits; the caller has used the other bits."""
    search, threads = tools
    plan = make_plan(left, right, positions, rest, search.same)
    if not plan.blocks:
        yield from _brute(left, right, tools)
        return
    for block in plan.blocks:
        yield from _join_block(left, right, (block, positions, rest), (search, threads))
        search = search._replace(
            masks=np.vstack([search.masks, _mask(block.positions, left.shape[1])]),
            limits=np.append(search.limits, block.reach),
        )


def _join_block(left: Hashes, right: Hashes, where: tuple[Block, Ints, int], tools: Tools) -> Iterator[Triples]:
    block, positions, rest = where
    search, threads = tools
    ours = _table(left, block)
    theirs = ours if search.same else _table(right, block)
    changes = flips(len(block.positions), block.reach)
    unused = np.setdiff1d(positions, block.positions)
    for found, heavy in _ahead(_walks(ours, theirs, changes, search), tools):
        yield found
        for bucket, flip in heavy:
            other = bucket ^ changes[flip]
            a, b = slice(*ours.starts[bucket : bucket + 2]), slice(*theirs.starts[other : other + 2])
            inner = search._replace(same=search.same and bucket == other)
            spent = int(changes[flip]).bit_count()
            for part in _join(ours.hashes[a], theirs.hashes[b], unused, rest - spent, (inner, threads)):
                yield np.column_stack([ours.rows[a][part[:, 0]], theirs.rows[b][part[:, 1]], part[:, 2]])


def _brute(left: Hashes, right: Hashes, tools: Tools) -> Iterator[Triples]:
    """Compare every hash with every other, in slices of the left table."""
    search = tools[0]
    cuts = np.linspace(0, len(left), min(len(left), PARTS * search.threads) + 1).astype(np.int64)
    whole = Table(np.array([0, len(right)], np.int64), np.arange(len(right), dtype=np.int32), right)
    ours = whole if search.same else Table(whole.starts, np.arange(len(left), dtype=np.int32), left)
    parts = [ours._replace(starts=cuts[k : k + 2]) for k in range(len(cuts) - 1)]
    walks = [Walk(part, whole, np.zeros(1, np.int64), search, 1 << 62) for part in parts]
    for found, _ in _ahead(walks, tools):
        yield found


def _walks(ours: Table, theirs: Table, changes: Ints, search: Search) -> "list[Walk]":
    """The join of two tables, cut into ranges of buckets with about equally many rows."""
    rows = np.linspace(0, len(ours.rows), PARTS * search.threads + 1)
    cuts = np.unique(np.append(np.searchsorted(ours.starts, rows[1:-1]), [0, len(ours.starts) - 1]))
    walks = [Walk(ours, theirs, changes, search, TOO_MANY) for _ in cuts[1:]]
    for walk, low, high in zip(walks, cuts[:-1], cuts[1:], strict=True):
        walk.state[:2] = low, high
    return walks


class Walk:
    """One thread's share of a join. It fills one buffer at a time, so that the memory is bounded."""

    def __init__(self, ours: Table, theirs: Table, changes: Ints, search: Search, too_many: int) -> None:
        self.tables = ours, theirs
        self.search = (changes, search.masks, search.limits, search.radius, search.same, too_many)
        self.state = np.array([0, len(ours.starts) - 1, 0, -1, -1], np.int64)

    def step(self) -> tuple[Triples, Ints]:
        """Continue until a buffer is full or the share is done: (pairs, bucket pairs that are too large)."""
        out = np.empty((hash_kernels.CAPACITY, 3), np.int32)
        heavy = np.empty((hash_kernels.HEAVY_ROOM, 2), np.int64)
        found, aside = hash_kernels.join_buckets(*self.tables, self.search, self.state, out, heavy)
        return out[:found].copy(), heavy[:aside].copy()

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return bool(self.state[0] == hash_kernels.DONE)


def _ahead(walks: Iterable[Walk], tools: Tools) -> Iterator[tuple[Triples, Ints]]:
    """Yield the results of the walks in order, while the threads work a few buffers ahead."""
    search, threads = tools
    left = iter(walks)
    pending: deque[tuple[Walk, Future[tuple[Triples, Ints]]]] = deque()
    while True:
        for walk in islice(left, 2 * search.threads + 1 - len(pending)):
            pending.append((walk, threads.submit(walk.step)))
        if not pending:
            return
        walk, future = pending.popleft()
        result = future.result()
        if not walk.done:
            pending.appendleft((walk, threads.submit(walk.step)))
        yield result


def _table(hashes: Hashes, block: Block) -> Table:
    keys = hash_kernels.bucket_keys(hashes, block.positions)
    starts, rows = hash_kernels.bucket_sort(keys, 1 << len(block.positions))
    return Table(starts, rows, hashes[rows])


def _mask(positions: Ints, words: int) -> Hashes:
    mask = [0] * words
    for p in positions.tolist():
        mask[p >> 6] |= 1 << (p & 63)
    return np.array(mask, np.uint64)


def _expand(found: Triples, left: Collapsed, right: Collapsed) -> Iterator[Triples]:
    """Turn pairs of distinct hashes into pairs of the rows that carry them, in bounded batches."""
    state = np.array([0, 0, 0], np.int64)
    while state[0] != hash_kernels.DONE:
        out = np.empty((BATCH, 3), np.int32)
        count = hash_kernels.expand(found, left[1:], right[1:], state, out)
        if count:
            yield out[:count]


def _expand_own(one: Collapsed) -> Iterator[Triples]:
    state = np.array([0, 0, 0], np.int64)
    while state[0] != hash_kernels.DONE:
        out = np.empty((BATCH, 3), np.int32)
        count = hash_kernels.expand_own(one.starts, one.rows, state, out)
        if count:
            yield out[:count]
