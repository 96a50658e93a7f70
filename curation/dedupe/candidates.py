"""Which pairs of images are compared on their pixels: pairs with near-equal hashes, in any orientation.

The hash is that of the whole picture, or that of a part of it, which finds crops and watermarks. Candidates are not
stored: they come in batches of bounded size, one hash join after the other. Two kinds of pictures have rules of their
own:

- Flat pictures: their hash is noise, so they are candidates only of pictures with exactly the same thumbnail.
- Pictures hardly larger than their thumbnail: they are compared without any shift or scale, because a small shift
  hides real differences there. Crops of them are not searched for.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from curation.dedupe import part_hashes
from curation.dedupe.hash_pairs import Pairs, collapse, pairs_across, pairs_within
from curation.dedupe.image_arrays import Pictures
from curation.dedupe.thumbnail_agreement import EDGE, MARKED, STILL
from curation.dedupe.views.view_pairs import view_pairs
from curation.params.blocks import Dedupe

Rows = NDArray[np.int64]
Tools = tuple[ThreadPoolExecutor, int]  # threads, and how many there are
Candidates = NDArray[
    np.int32
]  # [k, 4]: row that is turned, row, orientation, view (see thumbnail_agreement.similarity)

FLAT = 0.03  # hash_quality below which a hash holds no information
SMALL = 2 * EDGE  # pixels of the shorter edge below which a picture is compared without shift or scale
VIEW_RADII = 2  # a view matches less exactly than a part without its marks: so many times crop_radius
# Turned left and turned right are each other's inverse: one join finds both.
JOINED = (1, 2, 4, 5, 6, 7)


def candidates(pictures: Pictures, params: Dedupe, threads: ThreadPoolExecutor, workers: int) -> Iterator[Candidates]:
    """Yield batches of candidates, int32 [k, 4].

    A pair may occur several times: in either order, and in several orientations. threads: what hashes the parts.
    workers: how many threads join the hashes.
    """
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
        yield from _viewed(pictures, ~flat & large, VIEW_RADII * params.crop_radius, (threads, workers))


def is_large(pictures: Pictures) -> NDArray[np.bool_]:
    """Bool [n]: whether each picture has enough pixels to be compared with a shift or a scale."""
    return np.asarray(pictures.facts[["width", "height"]].min(axis=1) >= SMALL)


def _marked(
    thumbnails: NDArray[np.uint8], wanted: NDArray[np.bool_], radius: int, tools: Tools
) -> Iterator[tuple[Pairs, int]]:
    """Yield pairs, and their orientation, whose hashes agree without two of their borders: marked copies."""
    for window, orientations in ((part_hashes.UPPER_LEFT, range(8)), (part_hashes.LOWER_RIGHT, range(1))):
        still = part_hashes.hash_window(thumbnails, tools[0], window)
        for orientation in orientations:
            turned = part_hashes.hash_window(thumbnails, tools[0], window, orientation) if orientation else still
            for found in _join_contrasty(turned, still, wanted, radius, tools[1] if orientation else -tools[1]):
                yield found, orientation


def _viewed(pictures: Pictures, wanted: NDArray[np.bool_], radius: int, tools: Tools) -> Iterator[Candidates]:
    """Yield pairs of which the second, seen through a view, looks like the first: crops, padding, small turns."""
    rows = np.flatnonzero(wanted)
    thumbnails, aspects = pictures.contents
    if len(rows) < len(wanted):
        thumbnails = np.ascontiguousarray(thumbnails[rows])
    for left, right, orientations, view in view_pairs(thumbnails, aspects[rows], radius, tools):
        yield _rows(rows[left], rows[right], orientations, np.full(len(left), view))


def _join_contrasty(
    left: part_hashes.WindowHashes,
    right: part_hashes.WindowHashes,
    wanted: NDArray[np.bool_],
    radius: int,
    workers: int,
) -> Iterator[Pairs]:
    """Join the rows whose window has enough contrast to be hashed.

    workers: number of threads; a negative number says that `left` and `right` are the same rows.
    """
    ours, theirs = np.flatnonzero(left.contrasty & wanted), np.flatnonzero(right.contrasty & wanted)
    for found in _join(left.hashes[ours], right.hashes[theirs], radius, abs(workers), same=workers < 0):
        yield Pairs(ours[found.left], theirs[found.right], found.distance)


def _join(
    left: NDArray[np.uint64], right: NDArray[np.uint64], radius: int, workers: int, *, same: bool
) -> Iterator[Pairs]:
    return pairs_within(right, radius, workers) if same else pairs_across(left, right, radius, workers)


def _rows(left: Rows, right: Rows, orientation: int | NDArray[np.int8], view: NDArray[np.generic]) -> Candidates:
    columns = np.column_stack([left, right, np.broadcast_to(orientation, len(left)), view])
    return np.ascontiguousarray(columns[left != right], dtype=np.int32)


def _equal_thumbnails(pictures: Pictures, rows: Rows) -> Iterator[Candidates]:
    """Pair each flat picture with the first one of the same thumbnail: all are equal, so one pair each is enough."""
    if not len(rows):
        return
    groups = collapse(np.ascontiguousarray(pictures.thumbnails[rows]).view(np.uint64))
    first = groups.rows[groups.starts[:-1]].repeat(np.diff(groups.starts))
    yield _rows(rows[first], rows[groups.rows], 0, np.full(len(rows), STILL))
