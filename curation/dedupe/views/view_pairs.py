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


def lowest_bits() -> Block:
    """The bits of the lowest frequencies; imagehash's first bit is the highest of the word."""
    frequency = np.add.outer(np.arange(LOW), np.arange(LOW)).ravel()
    order = np.argsort(frequency, kind="stable")[1 : LOWEST + 1]
    return Block(np.sort(LOW * LOW - 1 - order).astype(np.int64), MAY_DIFFER)


def view_pairs(
    thumbnails: NDArray[np.uint8],
    aspects: NDArray[np.float32],
    radius: int,
    tools: tuple[ThreadPoolExecutor, int],
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8], int]]:
    """Yield batches (rows, other rows, orientations, view): turned so, the first looks like a view of the second.

    thumbnails: uint8 [n, bytes]. aspects: float32 [n], width divided by height. radius: bits that may differ.
    """
    if not len(thumbnails):
        return
    threads, workers = tools
    block = lowest_bits()
    sides = [hash_view(thumbnails, aspects, side, threads, doubtful=False) for side in (WHOLE, CENTRE)]
    for number, view in enumerate(VIEWS):
        left = sides[int(view.centre)]
        right = hash_view(thumbnails, aspects, view, threads, doubtful=True)
        for found in pairs_in_block(left.hashes, right.hashes, radius, block, workers):
            rows, others = left.rows[found[:, 0]], right.rows[found[:, 1]]
            yield rows, others, _orientations(left, right, found), FIRST + number


def _orientations(left: ViewHashes, right: ViewHashes, found: NDArray[np.int32]) -> NDArray[np.int8]:
    """How the first picture of each pair must be turned to look like the second, which was turned itself."""
    turned: NDArray[np.int8] = UNDONE[left.orientations[found[:, 0]], right.orientations[found[:, 1]]]
    return turned
