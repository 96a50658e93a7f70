"""Hashes of parts of a picture, made from its thumbnail: they find marked copies.

A caption changes a corner of a picture, and with it many bits of a hash of the whole picture. So the hash of a picture
without two of its borders is compared with the same part of others, because a watermark stands at a border. A box over
the middle leaves a strip along one of the borders as it was. Crops are found by the hashes of views (dedupe/views),
which use the loops of this module.

All hashes here are 64-bit DCT hashes of the 32 x 32 thumbnail, as imagehash's phash, whatever `dedupe.hash` is. They
are computed in a fixed order, so that every machine gets the same bits.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.hash_kernels import compiled
from curation.dedupe.image_arrays import release
from curation.dedupe.thumbnail_alignment import EDGE, unpack

Window = tuple[float, float, float, float]  # scale and shift across, scale and shift down, in cells

LOW = 8  # frequencies kept across and down
FAINT = 2.0  # least amplitude, in grey levels, of the strongest frequency of a window
SLICE = 8192  # thumbnails a thread hashes at a time
MARKLESS = 0.75  # share of the width and of the height that is left without a marked border
_AWAY = (1 - MARKLESS) * EDGE / 2
WHOLE: Window = (0.0, 0.0, 0.0, 0.0)
UPPER_LEFT: Window = (MARKLESS - 1, -_AWAY, MARKLESS - 1, -_AWAY)
LOWER_RIGHT: Window = (MARKLESS - 1, _AWAY, MARKLESS - 1, _AWAY)
STRIP = 0.4  # share of the width or height of a strip along a border: a mark anywhere leaves one of the four free
_BESIDE = (1 - STRIP) * EDGE / 2
STRIPS: tuple[Window, ...] = (
    *((STRIP - 1, side * _BESIDE, 0.0, 0.0) for side in (-1, 1)),
    *((0.0, 0.0, STRIP - 1, side * _BESIDE) for side in (-1, 1)),
)


class WindowHashes(NamedTuple):
    """Hashes uint64 [n, 1] of a window of every picture, and bool [n]: whether it has enough contrast."""

    hashes: NDArray[np.uint64]
    contrasty: NDArray[np.bool_]


def hash_window(
    thumbnails: NDArray[np.uint8], threads: ThreadPoolExecutor, window: Window = WHOLE, orientation: int = 0
) -> WindowHashes:
    """Hash a window of every thumbnail (uint8 [n, bytes]), after turning it."""
    bases = basis(window[0], window[1]), basis(window[2], window[3])
    hashes, contrasty = np.empty((len(thumbnails), 1), np.uint64), np.empty(len(thumbnails), np.bool_)

    def part(low: int) -> None:
        rows = slice(low, low + SLICE)
        dct_hashes(thumbnails[rows], orientation, bases, hashes[rows], contrasty[rows])
        release(thumbnails[rows])

    list(threads.map(part, range(0, len(thumbnails), SLICE)))
    return WindowHashes(hashes, contrasty)


@compiled
def dct_hashes(
    thumbnails: np.ndarray,
    orientation: int,
    bases: tuple[np.ndarray, np.ndarray],
    hashes: np.ndarray,
    contrasty: np.ndarray,
) -> None:
    """Fill the hashes of a window of each thumbnail, in imagehash's order of bits; bases: (across, down)."""
    low, grey = np.empty((LOW, LOW), np.float32), np.empty((EDGE, EDGE), np.float32)
    for n in range(thumbnails.shape[0]):
        unpack(thumbnails[n], orientation, grey)
        low_frequencies(grey, bases, low)
        hashes[n, 0] = median_bits(low.ravel())
        contrasty[n] = has_contrast(low)


@compiled
def low_frequencies(grey: np.ndarray, bases: tuple[np.ndarray, np.ndarray], low: np.ndarray) -> None:
    """Fill low [LOW, LOW] with the low DCT frequencies of a picture, in a fixed order of sums.

    bases: (across, down).
    """
    middle = np.empty((LOW, EDGE), np.float32)
    product(bases[1], grey, middle)
    product(middle.T, bases[0], low)


@compiled
def product(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """Fill out [a, b] with the transpose of left [EDGE, a] times right [EDGE, b], in a fixed order of sums.

    Four rows at a time: so `out` is read and written a quarter as often.
    """
    out[:] = np.float32(0.0)
    for k in range(0, EDGE, 4):
        first, second, third, fourth = right[k], right[k + 1], right[k + 2], right[k + 3]
        for row in range(out.shape[0]):
            p, q, r, s = left[k, row], left[k + 1, row], left[k + 2, row], left[k + 3, row]
            total = out[row]
            for x in range(out.shape[1]):
                total[x] = (((total[x] + p * first[x]) + q * second[x]) + r * third[x]) + s * fourth[x]


@compiled
def median_bits(values: np.ndarray) -> int:
    """The 64 bits of frequencies [LOW * LOW]: which are above their median, in imagehash's order.

    The two values in the middle are found by counting how many are smaller: that is faster here than sorting.
    """
    smaller = np.zeros(LOW * LOW, np.int32)
    for value in values:
        for k in range(LOW * LOW):
            smaller[k] += np.int32(value < values[k])
    lower = upper = np.float32(-np.inf)
    for k in range(LOW * LOW):
        lower = max(lower, values[k]) if smaller[k] < LOW * LOW // 2 else lower
        upper = max(upper, values[k]) if smaller[k] <= LOW * LOW // 2 else upper
    threshold = (lower + upper) / np.float32(2.0)
    bits = np.uint64(0)
    for k in range(LOW * LOW):
        bits = (bits << np.uint64(1)) | np.uint64(values[k] > threshold)
    return bits  # type: ignore[return-value]


@compiled
def has_contrast(low: np.ndarray) -> bool:
    """Whether the largest amplitude, without the mean brightness, is more than faint."""
    values = low.ravel()
    strongest = np.float32(0.0)
    for k in range(1, LOW * LOW):
        strongest = max(strongest, abs(values[k]))
    return bool(strongest > FAINT * EDGE * EDGE / 2)


def basis(scale: float, shift: float) -> NDArray[np.float32]:
    """Low DCT frequencies of a row of cells seen through a window: float32 [EDGE, LOW]."""
    middle = (EDGE - 1) / 2
    cells = np.arange(EDGE)
    position = np.clip(middle + (1 + scale) * (cells - middle) + shift, 0, EDGE - 1)
    left = np.minimum(position.astype(np.int64), EDGE - 2)
    waves = np.cos(np.pi * (2 * cells[:, None] + 1) * np.arange(LOW)[None] / (2 * EDGE))
    out = np.zeros((EDGE, LOW))
    for cell in cells:
        out[left[cell]] += waves[cell] * (1 - (position[cell] - left[cell]))
        out[left[cell] + 1] += waves[cell] * (position[cell] - left[cell])
    return out.astype(np.float32)
