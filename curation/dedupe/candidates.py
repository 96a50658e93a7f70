"""Which pairs of images are compared on their pixels: pairs with near-equal hashes, in any orientation.

The hash is that of the whole picture, or that of a part of it, which finds crops and watermarks. Candidates are not
stored: they come in batches of bounded size, one hash join after the other. Two kinds of pictures have rules of their
own:

- Flat pictures: their hash is noise, so they are candidates only of pictures with exactly the same thumbnail.
- Pictures hardly larger than their thumbnail: they are compared without any shift or scale, because a small shift
  hides real differences there.

Pictures of less than SMALL_FOR_VIEWS pixels are not searched for crops: their parts have too few pixels to prove one.
Of each join, only a bounded number of pairs for each image is compared (candidate_bound).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from curation.dedupe import part_hashes
from curation.dedupe.candidate_bound import Bound, Candidates, rough_pictures, roughly_apart, uncorrelated
from curation.dedupe.hash_pairs import Pairs, collapse, pairs_across, pairs_within
from curation.dedupe.image_arrays import Pictures, release
from curation.dedupe.thumbnail_agreement import EDGE, MARKED, STILL
from curation.dedupe.views.view_pairs import view_searches
from curation.params.blocks import Dedupe

Rows = NDArray[np.int64]
Tools = tuple[ThreadPoolExecutor, int]  # threads, and how many there are

FLAT = 0.03  # hash_quality below which a hash holds no information
SMALL = 2 * EDGE  # pixels of the shorter edge below which a picture is compared without shift or scale
SMALL_FOR_VIEWS = 4 * EDGE  # pixels of the shorter edge below which the parts of a picture prove nothing
VIEW_RADII = 2  # a view matches less exactly than a part without its marks: so many times crop_radius
STRIP_RADIUS = 2 / 3  # of crop_radius: a strip shows less than a picture without two borders
SLICE = 8192  # pairs that a thread ranks at a time
# Turned left and turned right are each other's inverse: one join finds both.
JOINED = (1, 2, 4, 5, 6, 7)


def candidates(pictures: Pictures, params: Dedupe, threads: ThreadPoolExecutor, workers: int) -> Iterator[Candidates]:
    """Yield batches of all candidates, as hash_candidates and view_candidates do."""
    bound = Bound(len(pictures.facts))
    yield from hash_candidates(pictures, params, (threads, workers), bound)
    yield from view_candidates(pictures, params, (threads, workers), bound)


def hash_candidates(pictures: Pictures, params: Dedupe, tools: Tools, bound: Bound) -> Iterator[Candidates]:
    """Yield batches of candidates by hashes of the whole picture, and of parts of it that may lack a mark.

    A batch is int32 [k, 4]: row that is turned, row, orientation, view (see thumbnail_agreement.similarity). A pair may
    occur several times: in either order, and in several orientations. tools: what hashes the parts, and how many
    threads join the hashes. bound: keeps the most alike pairs of each image.
    """
    rough = rough_pictures(pictures.thumbnails)

    def roughly(pairs: Candidates) -> NDArray[np.float32]:
        return np.asarray(roughly_apart(rough, pairs), np.float32)

    def difference(pairs: Candidates) -> NDArray[np.float32]:
        def part(low: int) -> NDArray[np.float32]:
            found: NDArray[np.float32] = uncorrelated(pictures.thumbnails, pairs[low : low + SLICE])
            release(pictures.thumbnails)
            return found

        return np.concatenate(list(tools[0].map(part, range(0, len(pairs), SLICE))))

    flat = pictures.facts["hash_quality"].to_numpy() < FLAT
    yield from _equal_thumbnails(pictures, np.flatnonzero(flat))
    for search in _whole(pictures, np.flatnonzero(~flat), params.radius, tools[1]):
        yield from bound.nearest(search, difference, roughly)
    if params.crop_radius:
        for search in _marked(pictures, ~flat, params.crop_radius, tools):
            yield from bound.nearest(search, difference, roughly)


def view_candidates(
    pictures: Pictures, params: Dedupe, tools: Tools, bound: Bound, settled: NDArray[np.bool_] | None = None
) -> Iterator[Candidates]:
    """Yield candidates of which the second, seen through a view, looks like the first: crops, padding, small turns.

    settled: bool [n], images that no view concerns any more; pairs of two such images are left out.
    """
    facts = pictures.facts
    large = np.asarray(facts[["width", "height"]].min(axis=1) >= SMALL_FOR_VIEWS)
    rows = np.flatnonzero(large & (facts["hash_quality"].to_numpy() >= FLAT))
    if not params.crop_radius or not len(rows) or (settled is not None and settled[rows].all()):
        return
    thumbnails, aspects = pictures.contents
    if len(rows) < len(facts):
        thumbnails = np.ascontiguousarray(thumbnails[rows])
    done = np.zeros(len(rows), np.bool_) if settled is None else settled[rows]
    for search in view_searches(thumbnails, aspects[rows], VIEW_RADII * params.crop_radius, tools, done):
        for batch in bound.nearest((_of_rows(pairs, rows) for pairs in search), _distance):
            yield np.ascontiguousarray(batch[:, :4])


def _of_rows(pairs: Candidates, rows: Rows) -> Candidates:
    """The pairs with the numbers of `rows`, without pairs of an image with itself."""
    pairs[:, :2] = rows[pairs[:, :2]]
    kept: Candidates = pairs[pairs[:, 0] != pairs[:, 1]]
    return kept


def _distance(pairs: Candidates) -> NDArray[np.float32]:
    return pairs[:, 4].astype(np.float32)


def is_large(pictures: Pictures) -> NDArray[np.bool_]:
    """Bool [n]: whether each picture has enough pixels to be compared with a shift or a scale."""
    return np.asarray(pictures.facts[["width", "height"]].min(axis=1) >= SMALL)


def _whole(pictures: Pictures, rows: Rows, radius: int, workers: int) -> Iterator[Iterator[Candidates]]:
    """For each orientation, the pairs of rows whose hashes agree when the first is turned so."""
    hashes, large = pictures.hashes[rows], is_large(pictures)
    upright = np.ascontiguousarray(hashes[:, 0])
    for orientation in (0, *JOINED):
        turned = np.ascontiguousarray(hashes[:, orientation])
        found = _join(turned, upright, radius, workers, same=orientation == 0)
        both = ((rows[pairs.left], rows[pairs.right]) for pairs in found)
        yield (_rows(left, right, orientation, np.where(large[left] & large[right], 0, STILL)) for left, right in both)


def _marked(pictures: Pictures, wanted: NDArray[np.bool_], radius: int, tools: Tools) -> Iterator[Iterator[Candidates]]:
    """For each part and orientation, the pairs whose hashes agree in that part: marked copies."""
    large = is_large(pictures)
    strips = ((window, range(1), round(radius * STRIP_RADIUS)) for window in part_hashes.STRIPS)
    corners = (part_hashes.UPPER_LEFT, range(8), radius), (part_hashes.LOWER_RIGHT, range(1), radius)
    for window, orientations, most in (*corners, *strips):
        still = part_hashes.hash_window(pictures.thumbnails, tools[0], window)
        for turn in orientations:
            turned = part_hashes.hash_window(pictures.thumbnails, tools[0], window, turn) if turn else still
            found = _join_contrasty(turned, still, wanted, most, tools[1] if turn else -tools[1])
            yield (_marked_rows(pairs, turn, large) for pairs in found)


def _marked_rows(pairs: Pairs, turn: int, large: NDArray[np.bool_]) -> Candidates:
    view = np.where(large[pairs.left] & large[pairs.right], MARKED, STILL)
    return _rows(pairs.left, pairs.right, turn, view)


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
