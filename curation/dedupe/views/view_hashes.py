"""Hashes of pictures seen through a view, brought into one orientation.

The hash is the 64-bit DCT hash of imagehash. A mirrored or turned picture has the same frequencies, moved and with
other signs. So every picture can be brought into one orientation before it is hashed: its brightness rises to the right
and downwards, and it changes more across than down. One join then finds copies in all eight orientations. Where a
picture is near the edge between two orientations, its view is hashed in both.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_kernels import compiled
from curation.dedupe.image_arrays import release
from curation.dedupe.part_hashes import LOW, basis, has_contrast, low_frequencies, median_bits
from curation.dedupe.thumbnail_alignment import EDGE, turns, unpack
from curation.dedupe.views.view_windows import View, numbers, see
from curation.images.hashing import turned_frequencies

SLICE = 8192  # thumbnails that a thread hashes at a time
SIGN = 0.15  # a frequency below this share of the contrast may have either sign in a copy
AXIS = 0.12  # a difference between the two axes below this share may be the other way round in a copy

PLACES = turns(LOW)
WAVES = np.cos(np.pi * (2 * np.arange(EDGE)[:, None] + 1) * np.arange(LOW)[None] / (2 * EDGE)).astype(np.float32)


FROM, SIGNS = (part.astype(kind) for part, kind in zip(turned_frequencies(LOW), (np.int32, np.float32), strict=True))


def _undone() -> NDArray[np.int8]:
    """[first, second]: the orientation that, turned by `second` afterwards, is `first`."""
    out = np.zeros((8, 8), np.int8)
    for second in range(8):
        for before in range(8):
            both = PLACES[before][PLACES[second]]
            first = int(np.flatnonzero((both == PLACES).all(axis=1))[0])
            out[first, second] = before
    return out


UNDONE = _undone()


class ViewHashes(NamedTuple):
    """Hashes uint64 [k, 1], the row of each, and the orientation that its view was brought into."""

    hashes: NDArray[np.uint64]
    rows: NDArray[np.int32]
    orientations: NDArray[np.int8]

    def of(self, chosen: NDArray[np.bool_]) -> "ViewHashes":
        """The hashes of the chosen rows; chosen: bool [rows]."""
        kept = chosen[self.rows]
        return self if kept.all() else ViewHashes(self.hashes[kept], self.rows[kept], self.orientations[kept])


def hash_view(
    thumbnails: NDArray[np.uint8],
    aspects: NDArray[np.float32],
    view: View,
    threads: ThreadPoolExecutor,
    *,
    doubtful: bool,
) -> ViewHashes:
    """Hash a view of every picture that has enough contrast there.

    thumbnails: uint8 [n, bytes]. aspects: float32 [n], width divided by height. doubtful: whether a picture that is
    near the edge between two orientations is hashed in both.
    """
    turned = view.angle != 0
    window = (numbers(view), turned, *((WAVES, WAVES) if turned else bases(view)))

    def part(low: int) -> ViewHashes:
        rows = slice(low, low + SLICE)
        size = len(thumbnails[rows]) * 8
        out = np.empty((size, 1), np.uint64), np.empty(size, np.int32), np.empty(size, np.int8)
        found = canonical_hashes(thumbnails[rows], aspects[rows], window, doubtful, out)
        release(thumbnails[rows])
        return ViewHashes(out[0][:found].copy(), out[1][:found] + np.int32(low), out[2][:found].copy())

    parts = list(threads.map(part, range(0, len(thumbnails), SLICE)))
    return ViewHashes(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def bases(view: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The low DCT frequencies of what an upright view shows: (across, down), float32 [EDGE, LOW] each."""
    wide, high = 1 - view.left - view.right, 1 - view.top - view.bottom
    middle = view.left + wide / 2 - 0.5, view.top + high / 2 - 0.5
    return basis(wide - 1, EDGE * middle[0]), basis(high - 1, EDGE * middle[1])


@compiled
def canonical_hashes(
    thumbnails: np.ndarray,
    aspects: np.ndarray,
    window: tuple[np.ndarray, bool, np.ndarray, np.ndarray],
    doubtful: bool,
    out: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> int:
    """Fill out (hashes, rows, orientations) for a view of each thumbnail; return how many were written.

    window: what `see` needs of the view, whether it is turned, and the frequencies of what it shows (across, down).
    Only a turned view is drawn first: the frequencies of an upright one are sums over the whole thumbnail.
    """
    view, turned, across, down = window
    hashes, rows, orientations = out
    grey, seen = np.empty((EDGE, EDGE), np.float32), np.empty((EDGE, EDGE), np.float32)
    low = np.empty((LOW, LOW), np.float32)
    found = 0
    for row in range(thumbnails.shape[0]):
        unpack(thumbnails[row], 0, grey)
        if turned:
            see(grey, view, aspects[row], seen)
        low_frequencies(seen if turned else grey, (across, down), low)
        if not has_contrast(low):
            continue
        for orientation in range(8):
            if fits(low, orientation, doubtful):
                hashes[found, 0] = hash_turned(low, orientation)
                rows[found], orientations[found] = row, orientation
                found += 1
                if not doubtful:
                    break
    return found


@compiled
def fits(low: np.ndarray, orientation: int, doubtful: bool) -> bool:
    """Whether a picture turned by `orientation` is bright at the right and below, and changes more across than down."""
    values, places, signs = low.ravel(), FROM[orientation], SIGNS[orientation]
    right, down = signs[1] * values[places[1]], signs[LOW] * values[places[LOW]]
    across, below = np.float32(0.0), np.float32(0.0)
    for k in range(1, 4):
        across += abs(values[places[k]])
        below += abs(values[places[LOW * k]])
    total = across + below
    loose = np.float32(1.0) if doubtful else np.float32(0.0)
    sign, axis = loose * np.float32(SIGN / 2) * total, loose * np.float32(AXIS) * total
    return bool(right >= -sign and down >= -sign and across - below >= -axis)


@compiled
def hash_turned(low: np.ndarray, orientation: int) -> int:
    """The 64 bits of a turned picture, in imagehash's order."""
    values, plain = np.empty(LOW * LOW, np.float32), low.ravel()
    places, signs = FROM[orientation], SIGNS[orientation]
    for k in range(LOW * LOW):
        values[k] = signs[k] * plain[places[k]]
    return int(median_bits(values))
