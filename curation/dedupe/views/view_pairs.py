"""Pairs of pictures of which one, seen through a view, looks like the other (crops, padding, small turns).

Each view is joined with the whole pictures (or with their centres). Two hashes meet when they differ in few bits of
all, and in hardly any of the lowest frequencies. These are the most stable bits: a crop that a view does not match
exactly changes the high frequencies first. So one table of buckets is enough for each join.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_blocks import Block
from curation.dedupe.hash_pairs import pairs_in_block
from curation.dedupe.part_hashes import LOW
from curation.dedupe.views.view_hashes import UNDONE, ViewHashes, hash_view
from curation.dedupe.views.view_windows import CENTRE, FIRST, VIEWS, WHOLE

LOWEST = 16  # bits of the lowest frequencies, without the mean
MAY_DIFFER = 2  # of them
FEW = 20_000  # pictures up to which one more may differ: it takes five times as many comparisons


def lowest_bits(size: int) -> Block:
    """The bits of the lowest frequencies (imagehash's first bit is the highest of the word), for so many pictures."""
    frequency = np.add.outer(np.arange(LOW), np.arange(LOW)).ravel()
    order = np.argsort(frequency, kind="stable")[1 : LOWEST + 1]
    return Block(np.sort(LOW * LOW - 1 - order).astype(np.int64), MAY_DIFFER + (size <= FEW))


def view_searches(
    thumbnails: NDArray[np.uint8],
    aspects: NDArray[np.float32],
    radius: int,
    tools: tuple[ThreadPoolExecutor, int],
    settled: NDArray[np.bool_],
) -> Iterator[Iterator[NDArray[np.int32]]]:
    """Yield the search of each view: batches of pairs, int32 [k, 5].

    A pair is (row, other row, orientation, view, bits that differ): turned so, the first looks like a view of the
    second. thumbnails: uint8 [n, bytes], at least one. aspects: float32 [n], width divided by height. radius: bits that
    may differ. settled: bool [n]; pairs of two pictures that are settled are left out.
    """
    threads, workers = tools
    block = lowest_bits(len(thumbnails))
    sides = [hash_view(thumbnails, aspects, side, threads, doubtful=False) for side in (WHOLE, CENTRE)]
    for number, view in enumerate(VIEWS):
        left = sides[int(view.centre)]
        right = hash_view(thumbnails, aspects, view, threads, doubtful=True)
        halves = (left.of(~settled), right), (left.of(settled), right.of(~settled))
        yield (
            _rows(one, other, pairs, FIRST + number)
            for one, other in halves
            if len(one.rows) and len(other.rows)
            for pairs in pairs_in_block(one.hashes, other.hashes, radius, block, workers)
        )


def _rows(left: ViewHashes, right: ViewHashes, pairs: NDArray[np.int32], view: int) -> NDArray[np.int32]:
    """The pairs with their rows. The first must be turned to look like the second, which was turned itself."""
    one, other, bits = pairs.T
    orientations = UNDONE[left.orientations[one], right.orientations[other]]
    columns = left.rows[one], right.rows[other], orientations, np.full(len(pairs), view), bits
    return np.column_stack(columns).astype(np.int32)
