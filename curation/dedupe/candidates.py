"""Which pairs of images are worth a look at their pixels: near-equal hashes, of the whole or of parts, however turned.

Nothing is stored: candidates stream by in bounded batches, one join after the other. Flat pictures, whose hash is
noise, are candidates only of pictures with exactly the same thumbnail. Pictures hardly larger than their thumbnail are
compared as they stand: a small shift explains away real differences there, so crops of them are not looked for.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from curation.dedupe import part_hashes
from curation.dedupe.hash_pairs import Pairs, collapse, pairs_across, pairs_within
from curation.dedupe.image_arrays import Pictures
from curation.dedupe.thumbnail_agreement import MARKED, SIDE, STILL
from curation.params.blocks import Dedupe

Rows = NDArray[np.int64]
Tools = tuple[ThreadPoolExecutor, int]  # threads, and how many there are
Candidates = NDArray[np.int32]  # [k, 4]: row that is turned, row, orientation, view (see agreement.similarity)

FLAT = 0.03  # hash_quality below which a hash says nothing
SMALL = 2 * SIDE  # pixels of the shorter side below which nothing is moved
# Turned left and turned right are each other's inverse: one join finds both.
JOINED = (1, 2, 4, 5, 6, 7)


def candidates(pictures: Pictures, params: Dedupe, threads: ThreadPoolExecutor, workers: int) -> Iterator[Candidates]:
    """Yield int32 [k, 4] batches; a pair may come several times, either way round, under several orientations."""
    flat = pictures.facts["hash_quality"].to_numpy() < FLAT
    large = is_large(pictures)
    yield from _equal_thumbnails(pictures, np.flatnonzero(flat))
    rows = np.flatnonzero(~flat)
    hashes = pictures.hashes[rows]
    upright = np.ascontiguousarray(hashes[:, 0])
    for orientation in (0, *JOINED):
        turned = np.ascontiguousarray(hashes[:, orientation])
        for found in _join(turned, upright, params.radius, workers, same=orientation == 0):
            left, right = rows[found.left], rows[found.right]
            yield _rows(left, right, orientation, np.where(large[left] & large[right], 0, STILL))
    if params.crop_radius:
        for found, orientation in _marked(pictures.thumbnails, ~flat, params.crop_radius, (threads, workers)):
            still = ~(large[found.left] & large[found.right])
            yield _rows(found.left, found.right, orientation, np.where(still, STILL, MARKED))
        for found, orientation, view in _cropped(
            pictures.thumbnails, ~flat & large, params.crop_radius, (threads, workers)
        ):
            yield _rows(found.left, found.right, orientation, np.full(len(found.left), view))


def is_large(pictures: Pictures) -> NDArray[np.bool_]:
    """Whether each picture has enough pixels for a shift or a scale to mean something."""
    return np.asarray(pictures.facts[["width", "height"]].min(axis=1) >= SMALL)


def _marked(
    thumbnails: NDArray[np.uint8], wanted: NDArray[np.bool_], radius: int, tools: Tools
) -> Iterator[tuple[Pairs, int]]:
    """Yield pairs, and orientation, that agree without two of their borders."""
    for window, orientations in ((part_hashes.UPPER_LEFT, range(8)), (part_hashes.LOWER_RIGHT, range(1))):
        still = part_hashes.look(thumbnails, tools[0], window)
        for orientation in orientations:
            turned = part_hashes.look(thumbnails, tools[0], window, orientation) if orientation else still
            for found in _join_telling(turned, still, wanted, radius, tools[1] if orientation else -tools[1]):
                yield found, orientation


def _cropped(
    thumbnails: NDArray[np.uint8], wanted: NDArray[np.bool_], radius: int, tools: Tools
) -> Iterator[tuple[Pairs, int, int]]:
    """Yield pairs, orientation and view: the second, without its border, agrees with the whole of the first."""
    if not wanted.any():
        return
    crops = [(view, part_hashes.look(thumbnails, tools[0], part_hashes.crop(view))) for view in part_hashes.CROPS]
    for orientation in range(8):
        whole = part_hashes.look(thumbnails, tools[0], orientation=orientation)
        for view, cropped in crops:
            for found in _join_telling(whole, cropped, wanted, radius, tools[1]):
                yield found, orientation, view


def _join_telling(
    left: part_hashes.View, right: part_hashes.View, wanted: NDArray[np.bool_], radius: int, workers: int
) -> Iterator[Pairs]:
    """Join where both windows hold enough to hash; a negative number of workers: both sides are one."""
    ours, theirs = np.flatnonzero(left.telling & wanted), np.flatnonzero(right.telling & wanted)
    for found in _join(left.hashes[ours], right.hashes[theirs], radius, abs(workers), same=workers < 0):
        yield Pairs(ours[found.left], theirs[found.right], found.distance)


def _join(
    left: NDArray[np.uint64], right: NDArray[np.uint64], radius: int, workers: int, *, same: bool
) -> Iterator[Pairs]:
    return pairs_within(right, radius, workers) if same else pairs_across(left, right, radius, workers)


def _rows(left: Rows, right: Rows, orientation: int, view: NDArray[np.generic]) -> Candidates:
    columns = np.column_stack([left, right, np.full(len(left), orientation), view])
    return np.ascontiguousarray(columns[left != right], dtype=np.int32)


def _equal_thumbnails(pictures: Pictures, rows: Rows) -> Iterator[Candidates]:
    """Link each flat picture to the first with the same thumbnail: all are equal, so no more is needed."""
    if not len(rows):
        return
    groups = collapse(np.ascontiguousarray(pictures.thumbnails[rows]).view(np.uint64))
    first = groups.rows[groups.starts[:-1]].repeat(np.diff(groups.starts))
    yield _rows(rows[first], rows[groups.rows], 0, np.full(len(rows), STILL))
