"""Which pairs of images are worth a look at their pixels: equal or near-equal hashes, in any of the eight orientations.

Nothing is stored: candidates stream by in bounded batches, one orientation after the other. Flat pictures, whose hash
is noise, are candidates only of pictures with exactly the same thumbnail.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.pairs import collapse, pairs_across, pairs_within
from curation.dedupe.pictures import Pictures

Triples = NDArray[np.int32]

FLAT = 0.1  # hash_quality below which a hash says nothing
INVERSE = np.array([0, 3, 2, 1, 4, 5, 6, 7], np.int32)  # the orientation that undoes each
# Turned left and turned right are each other's inverse: one join finds both.
JOINED = (1, 2, 4, 5, 6, 7)


def candidates(pictures: Pictures, radius: int, workers: int = 0) -> Iterator[Triples]:
    """Yield int32 [k, 3] (left row, right row, orientation): left, so turned, may show what right shows; left < right.

    A pair may come several times, under several orientations.
    """
    flat = pictures.facts["hash_quality"].to_numpy() < FLAT
    yield from _equal_thumbnails(pictures, np.flatnonzero(flat))
    rows = np.flatnonzero(~flat)
    hashes = pictures.hashes[rows]
    upright = np.ascontiguousarray(hashes[:, 0])
    for found in pairs_within(upright, radius, workers):
        yield _triples(rows[found.left], rows[found.right], 0)
    for orientation in JOINED:
        turned = np.ascontiguousarray(hashes[:, orientation])
        for found in pairs_across(turned, upright, radius, workers):
            yield _triples(rows[found.left], rows[found.right], orientation)


def _triples(left: NDArray[np.int64], right: NDArray[np.int64], orientation: int) -> Triples:
    """Order each pair; a pair that comes the other way round is undone by the inverse orientation."""
    straight = np.column_stack([left, right, np.full(len(left), orientation)])[left < right]
    back = np.column_stack([right, left, np.full(len(left), INVERSE[orientation])])[right < left]
    return np.concatenate([straight, back]).astype(np.int32)


def _equal_thumbnails(pictures: Pictures, rows: NDArray[np.int64]) -> Iterator[Triples]:
    """Link each flat picture to the first with the same thumbnail: a chain of equals, so no more is needed."""
    if not len(rows):
        return
    thumbnails = np.ascontiguousarray(pictures.thumbnails[rows])
    groups = collapse(thumbnails.view(np.uint64))
    first = groups.rows[groups.starts[:-1]].repeat(np.diff(groups.starts))
    yield _triples(rows[first], rows[groups.rows], 0)
